import { afterEach, expect, test, vi } from 'vitest';
import { approve } from '../../src/escrow/queue.ts';
import { closeContext, openContext } from '../../src/home/open.ts';
import type { Context } from '../../src/index.ts';
import { listEscrow } from '../../src/index.ts';
import { runTick } from '../../src/tick/run-tick.ts';
import type { TickOptions } from '../../src/tick/types.ts';
import { BETTER, countsAgree, type FaultyHome, faultyHome, holds } from './faulty-home.ts';
import { type SteppedClock, steppedClock } from './stepped-clock.ts';

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEARS = 3650 * DAY;

/** A Monday; the window of the tests is from 3 to 7 in Berlin, two hours ahead in summer. */
const NOON = Date.UTC(2026, 5, 15, 12);
const NIGHT = Date.UTC(2026, 5, 16, 2);

let home: FaultyHome;
let ctx: Context;
let clock: SteppedClock;

async function start(now: number, ...[experiment, config]: Parameters<typeof faultyHome>): Promise<void> {
  home = await faultyHome(experiment, {
    phase: {
      slices: 1,
      replicas: 4,
      warmup: 0,
      candidates: 1,
      calibration: 0,
      window: { start: '03:00', end: '07:00', zone: 'Europe/Berlin' },
    },
    reflection: { idle: '1000d' },
    promotions: { ttl: '20000d' },
    intents: { stale_after: '20000d' },
    ...config,
  });
  clock = steppedClock(now);
  ctx = await openContext({ home: home.home, env: { PATH: process.env.PATH }, clock });
}

afterEach(async () => {
  await closeContext(ctx);
  home.remove();
});

const tick = async (options: TickOptions = {}) => (await runTick(ctx, options)).outcome;
const dates = () =>
  ctx.db.all<{ date: string; state: string }>('SELECT date, state FROM epochs ORDER BY started_at');

/** Drops what is worth validating, and searches with it: a screened promotion is the result. */
async function screen(id: string, changes: object = BETTER.changes): Promise<void> {
  home.drop('promotions', `${id}.json`, { ...BETTER, id, changes });
  expect(await tick()).toBe('DREAM_CYCLE');
}

test('the window runs one epoch for its local date, however often it ticks and wherever the clock is stepped', async () => {
  await start(NOON, { watch: { duration: '30d', interval: '10d', checks: 1, health: ['true'] } });
  await screen('better');
  expect(await tick()).toBe('NOOP');
  clock.set(NIGHT);
  expect(await tick()).toBe('PHASE_EPOCH');
  expect(await tick()).toBe('BASELINE_COMMIT');
  await screen('best', { cache: 1024, mode: 'fast' });
  // Within the window, an hour back, to the window's start, a day back, a week back: the date stays used.
  for (const now of [
    NIGHT + HOUR,
    NIGHT - HOUR + 1,
    Date.UTC(2026, 5, 16, 1),
    NIGHT - DAY,
    NIGHT - 7 * DAY,
  ]) {
    clock.set(now);
    expect(['NOOP', 'WATCH_OK']).toContain(await tick());
  }
  expect(await dates()).toEqual([{ date: '2026-06-16', state: 'done' }]);
  clock.set(NIGHT + DAY);
  const outcomes = [await tick(), await tick()];
  expect(outcomes).toContain('PHASE_EPOCH');
  expect(await dates()).toHaveLength(2);
});

test('one epoch that a clock ten years ahead ran does not use up the nights of ten years', async () => {
  await start(NIGHT + YEARS, { watch: { duration: '30d', interval: '10d', checks: 1, health: ['true'] } });
  await screen('better');
  expect(await tick()).toBe('PHASE_EPOCH');
  expect(await tick()).toBe('BASELINE_COMMIT');
  await screen('later', { cache: 1024 });
  clock.set(NIGHT);
  const seen = [await tick(), await tick(), await tick()];
  expect(seen).toContain('PHASE_EPOCH');
  expect((await dates()).map(({ date }) => date)).toEqual(['2026-06-16', '2036-06-13']);
});

test.each([
  // In the night to 2026-03-29 Berlin has no 02:30, in the night to 2026-10-25 it has it twice.
  {
    night: 'the hour is skipped',
    date: '2026-03-29',
    from: Date.UTC(2026, 2, 28, 23),
    hours: [0, 1, 1.5, 2, 3],
  },
  {
    night: 'the hour comes twice',
    date: '2026-10-25',
    from: Date.UTC(2026, 9, 24, 22),
    hours: [0, 2.25, 2.75, 3.25, 3.75, 4.5],
  },
])('a window at 02:30 while $night runs one epoch under its local date', async ({ date, from, hours }) => {
  await start(
    from - 12 * HOUR,
    {},
    {
      phase: {
        slices: 1,
        replicas: 4,
        warmup: 0,
        candidates: 1,
        calibration: 0,
        window: { start: '02:30', end: '03:30', zone: 'Europe/Berlin' },
      },
    },
  );
  await screen('better', { cache: 9 });
  const before = (await dates()).length;
  for (const hour of hours) {
    clock.set(from + hour * HOUR);
    await tick();
    await tick();
  }
  expect(before).toBe(0);
  expect((await dates()).map((epoch) => epoch.date)).toEqual([date]);
});

test('a step in the middle of a cycle and of an epoch changes neither their budget nor their end', async () => {
  await start(NOON);
  const stepping = (ms: number): TickOptions => {
    let at = 0;
    return { onProgress: () => (at++ === 2 ? clock.step(ms) : undefined) };
  };
  home.drop('promotions', 'better.json', BETTER);
  expect(await tick(stepping(-YEARS))).toBe('DREAM_CYCLE');
  expect(await ctx.db.get('SELECT state FROM cycles')).toEqual({ state: 'done' });
  clock.set(NIGHT);
  expect(await tick(stepping(-DAY))).toBe('PHASE_EPOCH');
  expect(await dates()).toEqual([{ date: '2026-06-16', state: 'done' }]);
  expect(await tick()).toBe('BASELINE_COMMIT');
  await countsAgree(home);
});

test('an epoch whose clock jumps past the window’s edge is judged on what it has, and does not outlive the window', async () => {
  await start(NOON);
  await screen('better');
  clock.set(NIGHT);
  let at = 0;
  await tick({ onProgress: () => (at++ === 3 ? clock.step(6 * HOUR) : undefined) });
  const [epoch] = await dates();
  expect(epoch?.date).toBe('2026-06-16');
  expect(['done', 'failed']).toContain(epoch?.state);
  const late = await ctx.db.all<{ n: number }>(
    "SELECT number FROM trials WHERE owner LIKE 'phase%' AND started_at > ?",
    NIGHT + 3 * HOUR,
  );
  expect(late).toEqual([]);
  expect(await tick()).not.toBe('PHASE_EPOCH');
});

test('a cycle that the window overtakes is paused at its next trial, and what waits for the window goes first', async () => {
  await start(NOON);
  await screen('better');
  let at = 0;
  const overtaken = await runTick(ctx, {
    force: { kind: 'dream', trials: 500 },
    onProgress: () => (at++ === 2 ? clock.set(NIGHT) : undefined),
  });
  expect(overtaken).toMatchObject({
    outcome: 'DREAM_CYCLE',
    reason: expect.stringContaining('paused: window-edge'),
  });
  expect(await tick()).toBe('PHASE_EPOCH');
});

test('a watch that began under a clock that was ahead is checked and ends, and lets the next commit through', async () => {
  await start(NOON + YEARS, {
    watch: { duration: '2s', interval: '500ms', checks: 2, failures: 2, health: ['true'] },
  });
  await screen('better');
  await tick({ force: { kind: 'phase' } });
  expect(await tick()).toBe('BASELINE_COMMIT');
  clock.set(NOON);
  const seen: string[] = [];
  for (let n = 0; n < 8; n++) {
    seen.push(await tick());
    clock.step(600);
  }
  expect(seen).toContain('WATCH_OK');
  expect(await ctx.db.get('SELECT state FROM watches')).toEqual({ state: 'ok' });
  await holds(home);
});

test('pauses after failures that were counted under a clock that was ahead do not last for years', async () => {
  await start(
    NOON + YEARS,
    { evaluator: { command: ['false'] } },
    {
      retry: { attempts: 5, first_pause: '1h' },
      governor: { concurrent_trials: 1, breaker: { failures: 1000 } },
    },
  );
  home.drop('promotions', 'better.json', BETTER);
  expect(await tick()).toBe('DREAM_FAILED');
  expect(await tick()).toBe('NOOP');
  clock.set(NOON);
  expect(await tick()).toBe('DREAM_FAILED');
  expect(await tick()).toBe('NOOP');
  clock.step(HOUR);
  expect(await tick()).toBe('NOOP');
  clock.step(HOUR);
  expect(await tick()).toBe('DREAM_FAILED');
  // The same for an intent.
  home.drop('intents', 'back.json', {
    intent_type: 'rollback',
    priority: 9,
    reason: 'nothing to roll back to',
    data: {},
    generated_at: clock.now() / 1000,
    emitted_by: 'test',
  });
  clock.step(YEARS);
  expect(await tick()).toBe('DREAM_FAILED');
  expect(await tick()).toBe('INTENT');
  expect(await tick()).toBe('NOOP');
  clock.set(NOON + 3 * HOUR);
  expect([await tick(), await tick()]).toContain('INTENT');
});

test('an approval that expired does not revive when the clock goes back, and one that goes forward expires it', async () => {
  await start(
    NOON,
    {},
    {
      escrow: {
        expires: '1h',
        rules: [{ when: 'changes.exists(c, c.name == "mode")', reason: 'a person decides' }],
      },
    },
  );
  await screen('better');
  expect(await tick({ force: { kind: 'phase' } })).toBe('PHASE_EPOCH');
  expect(await tick()).toBe('ESCROWED');
  const [entry] = await listEscrow(ctx.db, { states: ['waiting'] });
  await approve(ctx, entry?.id ?? '', {
    reviewer: 'ana',
    reason: 'ok',
    contentSha256: entry?.contentSha256,
  });
  clock.step(2 * HOUR);
  expect(await tick()).toBe('PROMOTION_REJECTED');
  clock.step(-2 * HOUR);
  for (let n = 0; n < 2; n++) expect(await tick()).toBe('NOOP');
  expect(await ctx.db.all('SELECT state FROM escrow')).toEqual([{ state: 'expired' }]);
  expect(await ctx.db.all("SELECT state FROM promotions WHERE id = 'better'")).toEqual([
    { state: 'expired' },
  ]);
  expect(await ctx.db.all('SELECT version FROM baselines')).toEqual([]);
  await holds(home);
});
