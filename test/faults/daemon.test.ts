import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { readEvents } from '../../src/store/ledger.ts';
import { BETTER, countsAgree, type FaultyHome, faultyHome, holds, until } from './faulty-home.ts';

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let home: FaultyHome;

afterEach(() => home.remove());

const outcomes = (output: string) =>
  output
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).outcome);

/** A promotion that is answered as it is read. */
const wild = (id: string) => ({ ...BETTER, id, changes: { cache: 1e9 } });

test('a promotion, an intent and the kill switch are noticed at once, though the next tick is ten minutes away', async () => {
  home = await faultyHome({}, { tick: { interval: '10m' }, reflection: { idle: '1d' } });
  const daemon = home.startCli('run', '--json', '--verbose');
  await until(() => outcomes(daemon.output()).length === 1);
  // Whole under another name first, as a careful producer does, and at once, as a careless one does.
  home.drop('promotions', 'one.json.part', wild('one'));
  renameSync(join(home.home, 'promotions', 'one.json.part'), join(home.home, 'promotions', 'one.json'));
  await until(() => outcomes(daemon.output()).includes('PROMOTION_REJECTED'));
  home.drop('intents', 'look.json', {
    intent_type: 'reflect',
    priority: 5,
    reason: 'test',
    data: {},
    generated_at: Date.now() / 1000,
    emitted_by: 'test',
  });
  await until(() => outcomes(daemon.output()).includes('INTENT'));
  writeFileSync(join(home.home, 'killswitch'), 'smoke');
  await until(() => outcomes(daemon.output()).includes('KILLED'));
  daemon.child.kill('SIGTERM');
  expect(await daemon.ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining('KLR_E') });
  // A burst is one tick, and nothing that the daemon writes itself wakes it again.
  expect(outcomes(daemon.output()).length).toBeLessThan(12);
  await holds(home);
  await countsAgree(home);
});

test('the loop goes on by itself, action after action, without waiting for the interval', async () => {
  home = await faultyHome({ budget: { trials: 3, duration: '5m' } }, { tick: { interval: '10m' } });
  home.drop('promotions', 'better.json', BETTER);
  home.drop('promotions', 'wild.json', wild('wild'));
  const daemon = home.startCli('run', '--json', '--verbose');
  await until(() => outcomes(daemon.output()).includes('NOOP'));
  daemon.child.kill('SIGINT');
  expect(await daemon.ended).toMatchObject({ code: 0 });
  expect(outcomes(daemon.output()).slice(0, 2)).toEqual(['DREAM_CYCLE', 'NOOP']);
  await holds(home);
});

test('of two daemons on one home the second exits 4, says who runs, and leaves the first alone', async () => {
  home = await faultyHome();
  const first = home.startCli('run', '--json', '--verbose');
  await until(() => first.output() !== '');
  const second = await home.cli('run');
  expect(second).toMatchObject({ code: 4, stdout: '' });
  expect(second.stderr).toContain('KLR_E_LOCK_HELD');
  expect(second.stderr).toContain(`pid ${first.child.pid}`);
  // A killed daemon leaves nothing that keeps the next one out.
  first.child.kill('SIGKILL');
  await first.ended;
  const third = home.startCli('run', '--json', '--verbose');
  await until(() => third.output() !== '');
  third.child.kill('SIGTERM');
  expect(await third.ended).toMatchObject({ code: 0 });
});

test('a tick beside a daemon that is at work is LOCKED, exits 4, names the holder and is counted; then it gets its turn', async () => {
  home = await faultyHome();
  home.drop('promotions', 'better.json', BETTER);
  home.hold(1);
  const daemon = home.startCli('run', '--json');
  await until(() => home.begun() > 0);
  const ticks = await Promise.all([home.cli('tick', '--json'), home.cli('tick', '--json')]);
  for (const { code, stdout } of ticks) {
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({
      outcome: 'LOCKED',
      reason: expect.stringContaining(`pid ${daemon.child.pid}`),
    });
  }
  const counted = await home.look(({ db }) =>
    db.all("SELECT labels, value FROM metrics WHERE name = 'kloros_lock_contention_total'"),
  );
  expect(counted).toEqual([{ labels: '{"lock":"orchestrator"}', value: 2 }]);
  expect(await home.look(({ db }) => readEvents(db, { kind: 'tick', subject: 'LOCKED' }))).toHaveLength(2);
  home.hold(null);
  daemon.child.kill('SIGTERM');
  expect(await daemon.ended).toMatchObject({ code: 0 });
  expect(await home.tickHere()).toMatchObject({ outcome: 'DREAM_CYCLE' });
  await holds(home);
  await countsAgree(home);
});
