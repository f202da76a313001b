import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { readEvents } from '../../src/store/ledger.ts';
import {
  BETTER,
  countsAgree,
  type FaultyHome,
  faultyHome,
  holds,
  type Started,
  until,
} from './faulty-home.ts';

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Invariant 7 of the design: the kill switch, and so a shutdown, ends what runs within this, ms. */
const AT_ONCE = 5000;

let home: FaultyHome;

async function makeHome(...args: Parameters<typeof faultyHome>): Promise<void> {
  home = await faultyHome(...args);
  home.drop('promotions', 'better.json', BETTER);
}

afterEach(() => home.remove());

/** A tick of the command line that is in the middle of its `n`-th trial, which will not end by itself. */
async function inTrial(n: number, ...command: string[]): Promise<Started> {
  home.hold(n);
  const started = home.startCli(...command);
  await until(() => home.begun() >= n);
  return started;
}

const outcomeOf = async (started: Started) => {
  const { code, stdout } = await started.ended;
  const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  return { code, outcome: result.outcome, reason: result.reason };
};

const events = (kind: string) => home.look(({ db }) => readEvents(db, { kind }));

test('the kill switch ends a running trial within five seconds, nothing starts after it, and a revived loop goes on', async () => {
  await makeHome();
  const tick = await inTrial(6, 'tick', '--json');
  const killed = await home.cli('kill', 'smoke');
  const set = performance.now();
  expect(killed.code).toBe(0);
  await until(() => home.trialsRunning().length === 0);
  expect(performance.now() - set).toBeLessThan(AT_ONCE);
  expect(await outcomeOf(tick)).toMatchObject({ code: 3, outcome: 'KILLED' });
  const begun = home.begun();
  home.hold(null);
  for (let n = 0; n < 2; n++)
    expect(await home.tickHere()).toMatchObject({
      outcome: 'KILLED',
      exit: 3,
      reason: expect.stringContaining('smoke'),
    });
  expect(home.begun()).toBe(begun);
  expect((await home.cli('revive')).code).toBe(0);
  expect(await home.tickHere()).toMatchObject({ outcome: 'DREAM_CYCLE' });
  expect(await events('cycle.started')).toHaveLength(1);
  await holds(home);
  await countsAgree(home);
});

test('the kill switch that is touched by hand while trials are quick lets at most the one under way end', async () => {
  await makeHome({ budget: { trials: 200, duration: '10m' } });
  const tick = home.startCli('tick', '--json');
  await until(() => home.begun() >= 3);
  writeFileSync(join(home.home, 'killswitch'), 'by hand');
  const begun = home.begun();
  expect(await outcomeOf(tick)).toMatchObject({ code: 3, outcome: 'KILLED' });
  // One that had been let in, but had not said so yet, when the switch was set.
  expect(home.begun()).toBeLessThanOrEqual(begun + 1);
});

test('SIGTERM ends `kloros run` within five seconds with the cycle paused, and the next run resumes it', async () => {
  await makeHome();
  const daemon = await inTrial(6, 'run', '--json');
  const asked = performance.now();
  daemon.child.kill('SIGTERM');
  const { code, signal } = await daemon.ended;
  expect(performance.now() - asked).toBeLessThan(AT_ONCE);
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  await holds(home);
  expect(await home.look(({ db }) => db.all('SELECT state FROM cycles'))).toEqual([{ state: 'paused' }]);
  home.hold(null);
  const next = home.startCli('run', '--json');
  await until(() => next.output().includes('DREAM_CYCLE'));
  next.child.kill('SIGTERM');
  expect(await next.ended).toMatchObject({ code: 0 });
  const [cycle, ...others] = await home.look(({ db }) => db.all('SELECT state FROM cycles'));
  expect(cycle).toEqual({ state: 'done' });
  expect(others).toEqual([]);
  await holds(home);
  await countsAgree(home);
});

test('a change of mode pauses a cycle at the boundary of its trial, which counts', async () => {
  await makeHome();
  const tick = await inTrial(6, 'tick', '--json');
  expect((await home.cli('disable')).code).toBe(0);
  // It is noticed while the trial runs, and lets it end.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(home.trialsRunning()).not.toEqual([]);
  home.hold(null);
  for (const pid of home.trialsRunning()) if (isSleep(pid)) process.kill(pid, 'SIGTERM');
  expect(await outcomeOf(tick)).toMatchObject({
    outcome: 'DREAM_CYCLE',
    reason: expect.stringContaining('mode'),
  });
  expect(home.begun()).toBe(6);
  expect(await home.look(({ db }) => db.all('SELECT state FROM trials'))).toHaveLength(6);
  expect((await home.cli('tick')).code).toBe(2);
  expect((await home.cli('enable')).code).toBe(0);
  expect(await home.tickHere()).toMatchObject({ outcome: 'DREAM_CYCLE' });
  await holds(home);
});

/** What the evaluator waits for, and not the evaluator itself. */
const isSleep = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'sleep';

/** A home with a baseline v1 that was promoted, and something new to search for. */
async function withBaseline(watch: object): Promise<void> {
  await makeHome({ watch: { checks: 1, failures: 2, health: ['true'], ...watch } });
  await home.tickHere();
  await home.tickHere('phase');
  expect(await home.tickHere()).toMatchObject({ outcome: 'BASELINE_COMMIT' });
  home.drop('promotions', 'next.json', { ...BETTER, id: 'next', changes: { cache: 1024 } });
}

test('an emergency roll-back while a cycle runs does not wait for it; the cycle measures against what is gone, and is cancelled', async () => {
  await withBaseline({ duration: '1h', interval: '30m' });
  const n = home.begun() + 3;
  const tick = await inTrial(n, 'tick', '--json');
  const back = await home.cli('baseline', 'rollback', '--reason', 'pager', '--yes', '--json');
  expect(back, back.stderr).toMatchObject({ code: 0 });
  // The trial is still in the way, and the target has what it had before.
  expect(home.trialsRunning()).not.toEqual([]);
  expect(JSON.parse(readFileSync(home.settings, 'utf8'))).toMatchObject({ mode: 'slow', cache: 8 });
  home.hold(null);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  for (const pid of home.trialsRunning()) if (isSleep(pid)) process.kill(pid, 'SIGTERM');
  expect(await outcomeOf(tick)).toMatchObject({ outcome: 'DREAM_CYCLE' });
  expect(home.begun()).toBe(n);
  expect(await home.look(({ db }) => db.all("SELECT state FROM cycles WHERE state <> 'done'"))).toEqual([
    { state: 'cancelled' },
  ]);
  // What it was to measure is measured anew, against what is in force now.
  expect(await home.tickHere()).toMatchObject({ outcome: 'DREAM_CYCLE' });
  await holds(home);
  await countsAgree(home);
});

test('an emergency roll-back while an epoch runs does not wait for it; the epoch is void, and accepts nothing', async () => {
  await withBaseline({ duration: '1h', interval: '30m' });
  expect(await home.tickHere()).toMatchObject({ outcome: 'DREAM_CYCLE' });
  const n = home.begun() + 3;
  const tick = await inTrial(n, 'phase', 'run', '--force', '--json');
  const back = await home.cli('baseline', 'rollback', '--reason', 'pager', '--yes', '--json');
  expect(back, back.stderr).toMatchObject({ code: 0 });
  expect(home.trialsRunning()).not.toEqual([]);
  home.hold(null);
  for (const pid of home.trialsRunning()) if (isSleep(pid)) process.kill(pid, 'SIGTERM');
  expect(await tick.ended).toMatchObject({ code: 6 });
  expect(home.begun()).toBe(n);
  expect(await home.look(({ db }) => db.all("SELECT state FROM epochs WHERE state <> 'done'"))).toEqual([
    { state: 'voided' },
  ]);
  expect(
    await home.look(({ db }) =>
      db.all("SELECT verdict FROM verdicts v JOIN epochs e ON e.id = v.epoch_id WHERE e.state = 'voided'"),
    ),
  ).toEqual([]);
  await holds(home);
  await countsAgree(home);
});

test('a watch that falls due interrupts a cycle, which goes on after the check', async () => {
  await withBaseline({ duration: '1h', interval: '4s' });
  const n = home.begun() + 3;
  const tick = await inTrial(n, 'tick', '--json');
  await until(() =>
    home.look(async ({ db, clock }) => {
      const row = await db.get<{ at: number }>('SELECT next_check_at AS at FROM watches');
      return (row?.at ?? 0) < clock.now() - 1000;
    }),
  );
  home.hold(null);
  for (const pid of home.trialsRunning()) if (isSleep(pid)) process.kill(pid, 'SIGTERM');
  expect(await outcomeOf(tick)).toMatchObject({ reason: expect.stringContaining('watch-due') });
  expect(await home.tickHere()).toMatchObject({ outcome: 'WATCH_OK' });
  const after = await home.tickHere();
  expect(['DREAM_CYCLE', 'WATCH_OK']).toContain(after.outcome);
  await holds(home);
});
