/**
 * The first system tried a failed epoch again each minute until seven; searched each minute for a promotion that nobody
 * answered; and came to its intents only when neither was the case. The rules: what failed is tried again after growing
 * pauses, a bounded number of times; then whatever waits for it is answered; and the rules below get their turn.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { closeContext, openContext } from '../../src/home/open.ts';
import type { Context } from '../../src/index.ts';
import { submitIntent } from '../../src/intent/submit.ts';
import { runTick } from '../../src/tick/run-tick.ts';
import { BETTER, type FaultyHome, faultyHome, holds } from '../faults/faulty-home.ts';
import { type SteppedClock, steppedClock } from '../faults/stepped-clock.ts';

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const NOON = Date.UTC(2026, 5, 15, 12);
const THREE = Date.UTC(2026, 5, 16, 3);

let home: FaultyHome;
let ctx: Context;
let clock: SteppedClock;

beforeEach(async () => {
  home = await faultyHome(
    { budget: { trials: 2, duration: '5m' } },
    {
      retry: { attempts: 3, first_pause: '5m' },
      reflection: { idle: '1000d', intents_per_day: 0 },
      promotions: { ttl: '1000d' },
      governor: { concurrent_trials: 1, min_free_disk: '1MiB', breaker: { failures: 100_000 } },
      phase: { slices: 1, replicas: 2, warmup: 0, calibration: 0, attempts: 2, max_duration: '10m' },
    },
  );
  clock = steppedClock(NOON);
  ctx = await openContext({ home: home.home, env: { PATH: process.env.PATH }, clock });
});

afterEach(async () => {
  await closeContext(ctx);
  home.remove();
});

const broken = () => join(home.root, 'broken');
const answers = () =>
  ctx.db.all<{ id: string; state: string }>('SELECT id, state FROM promotions ORDER BY id');

/** Ticks each minute of `minutes`; the outcomes that were no NOOP, with their minute. */
async function eachMinute(from: number, minutes: number, on: Context = ctx): Promise<[number, string][]> {
  const seen: [number, string][] = [];
  for (let minute = 0; minute < minutes; minute++) {
    clock.set(from + minute * MINUTE);
    if (minute === 20) submitIntent(ctx, { type: 'reflect', reason: 'test', emittedBy: 'test' });
    const { outcome, reason } = await runTick(on);
    expect(outcome, reason).not.toBe('ERROR');
    if (outcome !== 'NOOP') seen.push([minute, outcome]);
  }
  return seen;
}

test('an epoch that fails all night is tried three times, 5 and 10 minutes apart, while intents are handled; after two such nights its promotions are answered', async () => {
  home.drop('promotions', 'better.json', BETTER);
  expect((await runTick(ctx)).outcome).toBe('DREAM_CYCLE');
  writeFileSync(broken(), '');
  const night: [number, string][] = [
    [0, 'PHASE_FAILED'],
    [6, 'PHASE_FAILED'],
    [17, 'PHASE_FAILED'],
  ];
  // A pause is counted from the failure, which is a moment after the minute.
  expect(await eachMinute(THREE, 240)).toEqual([...night, [20, 'INTENT']]);
  const waiting = (await answers()).filter(({ state }) => state === 'screened').length;
  expect(waiting).toBeGreaterThan(0);
  expect((await eachMinute(THREE + DAY, 60)).slice(0, 3)).toEqual(night);
  expect((await answers()).filter(({ state }) => state === 'screened')).toEqual([]);
  await holds(home);
  const epochs = await ctx.db.all('SELECT date, state, attempts FROM epochs ORDER BY date');
  expect(epochs).toEqual([
    { date: '2026-06-16', state: 'failed', attempts: 3 },
    { date: '2026-06-17', state: 'failed', attempts: 3 },
  ]);
});

test('a search that fails is tried three times for the promotions that wait, which are then answered; the intents do not wait for that', async () => {
  writeFileSync(broken(), '');
  home.drop('promotions', 'better.json', BETTER);
  home.drop('promotions', 'other.json', { ...BETTER, id: 'other', changes: { cache: 500 } });
  expect(await eachMinute(NOON, 60)).toEqual([
    [0, 'DREAM_FAILED'],
    [6, 'DREAM_FAILED'],
    [17, 'DREAM_FAILED'],
    [20, 'INTENT'],
  ]);
  expect(await answers()).toEqual([
    { id: 'better', state: 'rejected' },
    { id: 'other', state: 'rejected' },
  ]);
  // The next promotion is searched for as if nothing had been.
  rmSync(broken());
  home.drop('promotions', 'new.json', { ...BETTER, id: 'new' });
  expect((await runTick(ctx)).outcome).toBe('DREAM_CYCLE');
  await holds(home);
});

test('a search that the governor refuses waits its turn, is held against nobody, and lets the intents through', async () => {
  const { governor } = ctx.config;
  const full = { ...ctx, config: { ...ctx.config, governor: { ...governor, min_free_disk: 2 ** 60 } } };
  home.drop('promotions', 'better.json', BETTER);
  const seen = await eachMinute(NOON, 25, full);
  expect(seen).toEqual([
    [0, 'DREAM_CYCLE'],
    [6, 'DREAM_CYCLE'],
    [12, 'DREAM_CYCLE'],
    [18, 'DREAM_CYCLE'],
    [20, 'INTENT'],
    [24, 'DREAM_CYCLE'],
  ]);
  expect(home.begun()).toBe(0);
  clock.step(6 * MINUTE);
  expect((await runTick(ctx)).outcome).toBe('DREAM_CYCLE');
  expect(await ctx.db.all('SELECT state FROM cycles')).toEqual([{ state: 'done' }]);
  await holds(home);
});

test('promotions of an experiment that is no longer configured are answered, and keep nobody waiting', async () => {
  home.drop('promotions', 'better.json', BETTER);
  writeFileSync(broken(), '');
  expect((await runTick(ctx)).outcome).toBe('DREAM_FAILED');
  rmSync(broken());
  const { demo, ...others } = ctx.config.experiments;
  if (!demo) throw new Error('no experiment');
  const renamed = { ...ctx, config: { ...ctx.config, experiments: { ...others, another: demo } } };
  submitIntent(ctx, { type: 'reflect', reason: 'test', emittedBy: 'test' });
  const outcomes: string[] = [];
  for (let n = 0; n < 8; n++) {
    outcomes.push((await runTick(renamed)).outcome);
    clock.step(10 * MINUTE);
  }
  expect(outcomes.slice(0, 2)).toContain('INTENT');
  expect(outcomes.filter((outcome) => outcome === 'ERROR')).toHaveLength(2);
  expect(await answers()).toEqual([{ id: 'better', state: 'rejected' }]);
});

test('a request that cannot be met is tried three times and put aside, and stops no other', async () => {
  submitIntent(ctx, { type: 'rollback', priority: 10, reason: 'nothing is there', emittedBy: 'test' });
  submitIntent(ctx, { type: 'reflect', priority: 1, reason: 'test', emittedBy: 'test' });
  expect((await runTick(ctx)).outcome).toBe('INTENT');
  expect(await ctx.db.all('SELECT type, state FROM intents ORDER BY type')).toEqual([
    { type: 'reflect', state: 'done' },
    { type: 'rollback', state: 'waiting' },
  ]);
  const seen = await eachMinute(NOON + MINUTE, 60);
  expect(seen.map(([, outcome]) => outcome)).toEqual(['INTENT', 'INTENT', 'INTENT']);
  expect(await ctx.db.all("SELECT state, attempts FROM intents WHERE type = 'rollback'")).toEqual([
    { state: 'quarantined', attempts: 3 },
  ]);
});

test('a search that kills its own process each time is held back after a few deaths, and in the end given up', async () => {
  home.drop('promotions', 'better.json', BETTER);
  writeFileSync(join(home.root, 'deadly'), '');
  let deaths = 0;
  // Until it is held back, every tick recovers or dies; the promotion is in the way of everything below it.
  for (let outcome = ''; outcome !== 'NOOP'; ) {
    outcome = (await home.tick()).outcome;
    deaths += outcome === 'SIGKILL' ? 1 : 0;
    expect(['SIGKILL', 'RECOVERED', 'NOOP']).toContain(outcome);
  }
  expect(deaths).toBe(4);
  // From here on without the process: as if it had died after each longer pause.
  clock.set(Date.now());
  for (let n = 0; n < 8; n++) {
    await ctx.db.run("UPDATE cycles SET state = 'running' WHERE state = 'paused'");
    const { outcome } = await runTick(ctx);
    expect(outcome).toBe('RECOVERED');
    if (n < 7) expect((await runTick(ctx)).outcome).toBe('NOOP');
  }
  expect(await answers()).toEqual([{ id: 'better', state: 'rejected' }]);
  expect(await ctx.db.all('SELECT state FROM cycles')).toEqual([{ state: 'failed' }]);
  await holds(home);
});
