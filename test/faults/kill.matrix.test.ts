import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { seededRandom } from '../support/context.ts';
import { BETTER, countsAgree, cycleOf, epochOf, type FaultyHome, faultyHome, holds } from './faulty-home.ts';

const homes: FaultyHome[] = [];

/** Held back for nothing: here the processes die for no fault of the search. */
async function makeHome(...[experiment, config]: Parameters<typeof faultyHome>): Promise<FaultyHome> {
  const home = await faultyHome(experiment, { retry: { attempts: 1000, first_pause: '1s' }, ...config });
  homes.push(home);
  home.drop('promotions', 'better.json', BETTER);
  return home;
}

afterEach(() => {
  for (const home of homes.splice(0)) home.remove();
});

const version = (home: FaultyHome) =>
  home.look(
    async ({ db }) => (await db.get<{ n: number | null }>('SELECT MAX(version) AS n FROM baselines'))?.n ?? 0,
  );

/** Ticks in processes, each killed at a moment that is drawn, until the loop has committed; how many it killed. */
async function underFire(home: FaultyHome, random: () => number, mostMs: number): Promise<number> {
  let kills = 0;
  while ((await version(home)) === 0) {
    const { child, ended } = home.startTick('onward');
    // Lives grow longer, so that the loop comes on whatever a trial takes here beside an idle tick.
    const timer = setTimeout(() => child.kill('SIGKILL'), random() * mostMs * (1 + kills / 40));
    const { signal } = await ended;
    clearTimeout(timer);
    kills += signal === 'SIGKILL' ? 1 : 0;
  }
  return kills;
}

const ROUNDS = Number(process.env.ROUNDS ?? 12);

test('a loop under hundreds of kills -9 comes to the search, the verdicts and the baseline of one that was left alone', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 32);
  const whole = await makeHome();
  while ((await version(whole)) === 0) await whole.tick('onward');
  const [cycle, epoch] = [await cycleOf(whole), await epochOf(whole)];
  // What a tick that has nothing to do takes on this machine: sooner deaths get nowhere.
  const before = performance.now();
  await whole.tick();
  const idleMs = performance.now() - before;
  const random = seededRandom(seed);
  let kills = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const home = await makeHome();
    const killed = await underFire(home, random, idleMs * (1.3 + 0.3 * round));
    kills += killed;
    const where = `SEED=${seed} ROUNDS=${ROUNDS}, round ${round}, ${killed} kills`;
    // The last one may have died after its commit: two healthy ticks make everything whole.
    for (let n = 0; n < 2; n++) expect((await home.tick()).outcome, where).not.toBe('ERROR');
    expect(await cycleOf(home), where).toEqual(cycle);
    expect(await epochOf(home), where).toEqual(epoch);
    await holds(home);
    await countsAgree(home);
    home.remove();
  }
  console.log(`${kills} kills in ${ROUNDS} loops, SEED=${seed}`);
  expect(kills).toBeGreaterThan(10 * ROUNDS);
});

describe('a tick that commits', () => {
  const reload = { file: 'settings.json', format: 'json' as const, reload: ['/bin/sh', '-c', 'exit 0'] };

  async function readyToCommit(): Promise<FaultyHome> {
    const home = await makeHome({ apply: reload });
    await home.tickHere();
    await home.tickHere('phase');
    home.save();
    return home;
  }

  async function recovers(home: FaultyHome, where: string): Promise<void> {
    const outcomes: string[] = [];
    for (let n = 0; n < 2; n++) outcomes.push((await home.tickHere()).outcome);
    expect(await version(home), `${where}: ${outcomes.join()}`).toBe(1);
    await holds(home);
    await countsAgree(home);
  }

  test('killed at each call of the file system that changes something', async () => {
    const home = await readyToCommit();
    const { calls } = await home.tick();
    for (let at = 1; at <= calls; at++) {
      home.restore();
      await home.tick('tick', { KILL_AT: String(at) });
      await recovers(home, `KILL_AT=${at} of ${calls}`);
    }
    console.log(`killed at each of ${calls} calls`);
  });

  const tick = fileURLToPath(new URL('tick-child.ts', import.meta.url));
  const traceable = spawnSync('strace', ['-f', '-e', 'trace=none', 'true']).status === 0;

  test.for(['fsync', 'rename', 'pwrite64', 'ftruncate'])(
    'killed by the kernel at each %s, its own and those of SQLite',
    async (call, { skip }) => {
      skip(!traceable, 'no strace that may trace here');
      const home = await readyToCommit();
      const trace = join(home.root, 'trace');
      let killed = 0;
      for (let n = 1; ; n++) {
        home.restore();
        const { signal, status } = spawnSync(
          'strace',
          [
            '-f',
            '-qq',
            '-o',
            trace,
            '-e',
            `trace=${call}`,
            '-e',
            `inject=${call}:signal=KILL:when=${n}`,
          ].concat([process.execPath, tick, home.home, 'tick']),
          { env: { ...process.env, SEED: '1' }, encoding: 'utf8' },
        );
        const died =
          signal === 'SIGKILL' || status === 137 || readFileSync(trace, 'utf8').includes('killed by SIGKILL');
        if (!died) break;
        killed += 1;
        await recovers(home, `${call}, number ${n}`);
      }
      console.log(`killed at each of ${killed} calls of ${call}`);
      expect(killed).toBeGreaterThan(0);
    },
  );
});
