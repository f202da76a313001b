import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  BETTER,
  countsAgree,
  cycleOf,
  epochOf,
  type FaultyHome,
  faultyHome,
  holds,
  until,
} from './faulty-home.ts';

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const homes: FaultyHome[] = [];

async function makeHome(...args: Parameters<typeof faultyHome>): Promise<FaultyHome> {
  const home = await faultyHome(...args);
  homes.push(home);
  home.drop('promotions', 'better.json', BETTER);
  return home;
}

afterEach(() => {
  for (const home of homes.splice(0)) home.remove();
});

/** Kills a tick with SIGKILL while its `n`-th trial runs, which goes on without it; then the two ticks that recover. */
async function killAtTrial(home: FaultyHome, n: number, what: 'tick' | 'phase'): Promise<void> {
  home.hold(n);
  const { child, ended } = home.startTick(what);
  await until(() => home.begun() >= n);
  child.kill('SIGKILL');
  expect(await ended).toMatchObject({ signal: 'SIGKILL' });
  expect(home.trialsRunning()).not.toEqual([]);
  home.hold(null);
  expect(await home.tick()).toMatchObject({ outcome: 'RECOVERED', exit: 0 });
  expect(home.trialsRunning()).toEqual([]);
}

describe('a tick that is killed with SIGKILL', () => {
  test('in its search, in the baseline, search and screening stages: it goes on to the result of one that was not', async () => {
    const [whole, killed] = [await makeHome(), await makeHome()];
    expect(await whole.tick()).toMatchObject({ outcome: 'DREAM_CYCLE' });
    // The trial that was cut off is measured again, so each death makes the log one longer.
    for (const n of [2, 9, whole.begun()]) await killAtTrial(killed, n, 'tick');
    expect(await killed.tick()).toMatchObject({ outcome: 'DREAM_CYCLE' });
    expect(killed.begun()).toBe(whole.begun() + 3);
    expect(await cycleOf(killed)).toEqual(await cycleOf(whole));
    await holds(killed);
    await countsAgree(killed);
  });

  test('in its epoch: the next ticks go on to the same verdicts, and nothing is measured twice', async () => {
    const home = await makeHome();
    expect(await home.tickHere()).toMatchObject({ outcome: 'DREAM_CYCLE' });
    home.save();
    const before = home.begun();
    expect(await home.tick('phase', { SEED: '7' })).toMatchObject({ outcome: 'PHASE_EPOCH' });
    const whole = await epochOf(home);
    const trials = home.begun() - before;
    home.restore();
    home.hold(4);
    const { child, ended } = home.startTick('phase', { SEED: '7' });
    await until(() => home.begun() >= 4);
    child.kill('SIGKILL');
    await ended;
    home.hold(null);
    expect(await home.tick()).toMatchObject({ outcome: 'RECOVERED' });
    await killAtTrial(home, trials, 'tick');
    expect(await home.tick()).toMatchObject({ outcome: 'PHASE_EPOCH' });
    expect(home.begun()).toBe(trials + 2);
    expect(await epochOf(home)).toEqual(whole);
    expect(await home.tick()).toMatchObject({ outcome: 'BASELINE_COMMIT' });
    await holds(home);
    await countsAgree(home);
  });
});

describe('a commit that is killed with SIGKILL', () => {
  let home: FaultyHome;

  /** Up to where the next tick commits. */
  beforeEach(async () => {
    home = await makeHome({
      apply: {
        file: 'settings.json',
        format: 'json',
        reload: ['/bin/sh', '-c', 'echo reloaded >> reloads.log; [ -e slow ] && sleep 300; exit 0'],
      },
    });
    await home.tickHere();
    await home.tickHere('phase');
    home.save();
  });

  test('at one call of the file system after another: the old or the new baseline, once, and every record of it', async () => {
    const { calls } = await home.tick();
    let died = 0;
    // Every call is the business of the matrix.
    for (let at = 3; at <= calls; at += 8) {
      home.restore();
      const { outcome } = await home.tick('tick', { KILL_AT: String(at) });
      died += outcome === 'SIGKILL' ? 1 : 0;
      const outcomes = [];
      for (let n = 0; n < 2; n++) outcomes.push((await home.tickHere()).outcome);
      expect(outcomes.join(), `killed at call ${at} of ${calls}`).toMatch(
        /^(RECOVERED,(BASELINE_COMMIT|NOOP|WATCH_OK)|BASELINE_COMMIT,(NOOP|WATCH_OK)|(NOOP|WATCH_OK),(NOOP|WATCH_OK))$/,
      );
      await holds(home);
      await countsAgree(home);
      await home.look(async ({ db }) =>
        expect(await db.all('SELECT version, kind FROM baselines')).toEqual([
          { version: 1, kind: 'promotion' },
        ]),
      );
    }
    expect(died).toBeGreaterThan(2);
  });

  test('in its apply: the reload is done again by the tick that recovers', async () => {
    writeFileSync(join(home.root, 'slow'), '');
    const { child, ended } = home.startTick();
    const reloads = join(home.root, 'reloads.log');
    await until(() => existsSync(reloads));
    child.kill('SIGKILL');
    await ended;
    rmSync(join(home.root, 'slow'));
    expect(await home.tick()).toMatchObject({
      outcome: 'RECOVERED',
      reason: expect.stringContaining('v1 applied'),
    });
    expect(readFileSync(reloads, 'utf8').trim().split('\n')).toHaveLength(2);
    await holds(home);
    await countsAgree(home);
  });
});
