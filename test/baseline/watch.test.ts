import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { currentBaseline } from '../../src/baseline/current.ts';
import { readBaseline } from '../../src/baseline/read.ts';
import { rollback } from '../../src/baseline/rollback.ts';
import {
  activeWatch,
  checkWatch,
  dueWatch,
  startWatch,
  type WithBaselineLock,
} from '../../src/baseline/watch.ts';
import type { Params } from '../../src/config/parameters.ts';
import { KlorosError } from '../../src/errors.ts';
import { readEvents } from '../../src/store/ledger.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { timeComparison } from '../../src/tick/compare-times.ts';
import type { Executor, TrialRequest, TrialResult } from '../../src/trial/types.ts';
import { commitWhole, idleControl, takeBaselineLock, underBaselineLock } from '../support/baseline.ts';
import { type ExperimentInput, experimentConfig, type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
afterEach(() => ctx.cleanup());

const MINUTE = 60_000;
const healthy = 'test ! -e sick';

/** v1 with cache 16, then v2 with cache 32 under watch; unhealthy while the file `sick` stands. */
async function watched(
  watch: ExperimentInput['watch'] = { health: ['/bin/sh', '-c', healthy], timeout: '500ms' },
  experiment: Partial<ExperimentInput> = {},
): Promise<void> {
  const demo = experimentConfig({ apply: { file: 'app.json', format: 'json' }, watch, ...experiment });
  ctx = await testContext({ config: { experiments: { demo } } });
  await commitWhole(ctx, { cache: 16 });
  await commitWhole(ctx, { cache: 32 }, (tx, baseline) => startWatch(tx, ctx, baseline, 'demo'));
}
const sick = (is: boolean) =>
  is ? writeFileSync(join(ctx.configDir, 'sick'), '') : rmSync(join(ctx.configDir, 'sick'), { force: true });
const withLock: WithBaselineLock = (work) => underBaselineLock(ctx, work);

/** An evaluator whose metrics are a function of the configuration. */
function executor(run: (params: Params, request: TrialRequest) => Partial<TrialResult>): Executor {
  return {
    slots: 1,
    run: async (request) =>
      ({
        state: 'completed',
        metrics: {},
        steps: [],
        outputTail: '',
        startedAt: 0,
        durationMs: 1,
        ...run(request.params, request),
      }) as TrialResult,
  };
}
const none = executor(() => {
  throw new Error('no trial is expected');
});
const control = idleControl();
const hooks = { compareTimes: timeComparison(0.05) };
/** A minute later, one look. */
async function check(by: Executor = none, lock = withLock) {
  ctx.clock.advance(MINUTE);
  return checkWatch(ctx, by, lock, control, hooks);
}
const version = async () => (await currentBaseline(ctx.db, ctx.config)).version;
const state = async (of = 2) =>
  (await ctx.db.get<{ state: string }>('SELECT state FROM watches WHERE version = ?', of))?.state;

test('a baseline is kept after its deadline when enough checks passed', async () => {
  await watched();
  for (let minute = 1; minute < 10; minute++) expect((await check()).state).toBe('watching');
  expect(await check()).toMatchObject({ state: 'kept', version: 2 });
  expect(await state()).toBe('ok');
  expect(await activeWatch(ctx.db)).toBeNull();
  expect(await readEvents(ctx.db, { kind: 'watch.kept' })).toHaveLength(1);
});

test('after failures in a row it is taken back: files and target hold what was before', async () => {
  await watched();
  sick(true);
  expect((await check()).state).toBe('watching');
  const result = await check();
  expect(result).toMatchObject({ state: 'rolled-back', version: 2, baseline: { version: 3, restores: 1 } });
  expect(await readBaseline(ctx.paths.baseline)).toMatchObject({
    version: 3,
    params: { demo: { cache: 16 } },
  });
  expect(JSON.parse(readFileSync(join(ctx.configDir, 'app.json'), 'utf8')).cache).toBe(16);
  expect(await currentBaseline(ctx.db, ctx.config)).toMatchObject({ applyState: 'applied' });
  expect(await state()).toBe('failed');
  expect(await activeWatch(ctx.db)).toBeNull();
});

test('one flap is no roll-back, whenever it comes', async () => {
  await watched();
  for (let minute = 1; minute <= 9; minute++) {
    sick(minute % 2 === 0);
    expect((await check()).state).toBe('watching');
  }
  sick(true);
  // At the deadline the last check decides whether it is over.
  expect((await check()).state).toBe('watching');
  sick(false);
  expect(await check()).toMatchObject({ state: 'kept' });
  expect(await version()).toBe(2);
});

test('nothing is kept for the passing of time alone: a deadline that passed in the dark still asks for its checks', async () => {
  await watched();
  ctx.clock.advance(86_400_000);
  expect((await check()).state).toBe('watching');
  expect((await check()).state).toBe('watching');
  expect((await check()).state).toBe('kept');
});

test('no check is made before it is due; a clock that was set back makes one due', async () => {
  await watched();
  expect(await dueWatch(ctx.db, ctx.clock.now())).toBeNull();
  expect(await checkWatch(ctx, none, withLock, control, hooks)).toMatchObject({ reason: 'no check is due' });
  expect(await dueWatch(ctx.db, ctx.clock.now() + MINUTE)).toMatchObject({ version: 2, experiment: 'demo' });
  expect(await dueWatch(ctx.db, ctx.clock.now() - 86_400_000)).toMatchObject({ version: 2 });
});

test('a clock that was set back to before the start does not make a watch last for ever', async () => {
  await watched();
  ctx.clock.step(-86_400_000);
  for (let minute = 1; minute < 10; minute++) expect((await check()).state).toBe('watching');
  expect((await check()).state).toBe('kept');
});

test('the deadline and the failures survive a restart', async () => {
  await watched();
  sick(true);
  await check();
  const before = await activeWatch(ctx.db);
  const again = await openSqlite(ctx.paths.database);
  expect(await activeWatch(again)).toEqual(before);
  ctx.clock.advance(MINUTE);
  const restarted = { ...ctx, db: again };
  const lock: WithBaselineLock = (work) => underBaselineLock(restarted, work);
  expect(await checkWatch(restarted, none, lock, control, hooks)).toMatchObject({ state: 'rolled-back' });
  await again.close();
});

test('a later version supersedes the watch', async () => {
  await watched();
  await commitWhole(ctx, { cache: 64 });
  expect(await state()).toBe('superseded');
  expect(await dueWatch(ctx.db, ctx.clock.now() + MINUTE)).toBeNull();
});

test('a roll-back by a person during a failing check is not done a second time', async () => {
  await watched({ health: ['/bin/false'], failures: 1 });
  const result = await check(none, async (work) => {
    await underBaselineLock(ctx, (lock) => rollback(ctx, lock, { actor: 'someone', reason: 'by hand' }));
    return withLock(work);
  });
  expect(result).toMatchObject({ state: 'watching', reason: 'superseded by a later version' });
  expect(await version()).toBe(3);
});

test('with the baseline lock held, the failing watch waits and takes it back at the next look', async () => {
  await watched({ health: ['/bin/false'], failures: 1 });
  const held = await takeBaselineLock(ctx);
  const refused: WithBaselineLock = async () => {
    throw new KlorosError('KLR_E_LOCK_HELD', 'baseline is held');
  };
  expect(await check(none, refused)).toMatchObject({
    state: 'watching',
    reason: expect.stringContaining('held'),
  });
  held.release();
  expect(await checkWatch(ctx, none, withLock, control, hooks)).toMatchObject({ state: 'rolled-back' });
});

test('a health command that hangs is killed and counts as a failure', async () => {
  await watched({
    health: ['/bin/sh', '-c', "trap '' TERM; echo waiting; sleep 60 & wait; wait"],
    timeout: '200ms',
    failures: 1,
  });
  expect(await check()).toMatchObject({
    state: 'rolled-back',
    reason: expect.stringContaining('did not end within 200 ms'),
  });
});

test('a check that is cut off by the kill switch is no evidence, and stays due', async () => {
  await watched({ health: ['/bin/sleep', '60'], failures: 1 });
  const abort = new AbortController();
  ctx.clock.advance(MINUTE);
  const result = checkWatch(ctx, none, withLock, idleControl(abort), hooks);
  setTimeout(() => abort.abort(), 50);
  expect(await result).toMatchObject({ state: 'watching' });
  expect(await activeWatch(ctx.db)).toMatchObject({ failures: 0, checks: 0, unknown: 0 });
  expect(await dueWatch(ctx.db, ctx.clock.now())).toMatchObject({ version: 2 });
});

test('an experiment that is no longer configured ends its watch', async () => {
  await watched();
  const { demo, ...others } = ctx.config.experiments;
  const config = { ...ctx.config, experiments: { ...others, another: demo as NonNullable<typeof demo> } };
  ctx.clock.advance(MINUTE);
  expect(await checkWatch({ ...ctx, config }, none, withLock, control, hooks)).toMatchObject({
    state: 'kept',
  });
});

test('watching twice changes nothing', async () => {
  await watched();
  const before = await activeWatch(ctx.db);
  ctx.clock.advance(MINUTE);
  await ctx.db.transaction((tx) => startWatch(tx, ctx, { version: 2 }, 'demo'));
  expect(await activeWatch(ctx.db)).toEqual(before);
});

// By trials, where there is no health command.

const measured = (change: (params: Params, request: TrialRequest) => Record<string, number>) =>
  executor((params, request) => ({ metrics: { throughput: 100, p99: 10, ...change(params, request) } }));
const isNew = (params: Params) => params['cache'] === 32;

test.each([
  ['as good as before', () => ({}), 'watching'],
  ['better', (p: Params) => (isNew(p) ? { throughput: 200, p99: 5 } : {}), 'watching'],
  ['worse within the tolerance', (p: Params) => (isNew(p) ? { throughput: 91, p99: 10.9 } : {}), 'watching'],
  ['slower', (p: Params) => (isNew(p) ? { throughput: 85 } : {}), 'rolled-back'],
  ['later', (p: Params) => (isNew(p) ? { p99: 11.5 } : {}), 'rolled-back'],
] as const)('by trials beside the previous baseline: %s', async (_what, change, expected) => {
  await watched({ failures: 1 });
  expect(await check(measured(change))).toMatchObject({ state: expected });
});

test('trials measure both configurations in every domain with the same seed, and ask for all metrics', async () => {
  await watched({ failures: 1 });
  const requests: TrialRequest[] = [];
  await check(measured((_params, request) => (requests.push(request), {})));
  expect(requests.map(({ domain }) => domain)).toEqual(['read', 'read', 'write', 'write']);
  for (const domain of ['read', 'write']) {
    const [a, b] = requests.filter((request) => request.domain === domain);
    expect(a?.seed).toBe(b?.seed);
    expect([a?.params['cache'], b?.params['cache']].sort()).toEqual([16, 32]);
  }
  expect(requests[0]?.required).toEqual(['throughput', 'p99']);
  expect(new Set(requests.map(({ id }) => id)).size).toBe(4);
});

test.each([
  [
    'the new one fails and the previous does not',
    (p: Params) => (isNew(p) ? 'failed' : 'completed'),
    'rolled-back',
  ],
  ['both fail', () => 'failed', 'watching'],
  ['the previous one fails', (p: Params) => (isNew(p) ? 'completed' : 'failed'), 'watching'],
  ['a trial is stopped', () => 'stopped', 'watching'],
] as const)('when %s', async (_what, ends, expected) => {
  await watched({ failures: 1 });
  const by = executor(
    (params) =>
      ({ state: ends(params), reason: 'test', metrics: { throughput: 1, p99: 1 } }) as Partial<TrialResult>,
  );
  expect(await check(by)).toMatchObject({ state: expected });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, undefined])(
  'a metric that is %s is no evidence',
  async (throughput) => {
    await watched({ failures: 1 });
    expect(
      await check(measured((p) => (isNew(p) ? { throughput: throughput as number } : {}))),
    ).toMatchObject({
      state: 'watching',
      reason: expect.stringContaining('not measured'),
    });
  },
);

test('an absolute limit that the new baseline breaks takes it back; one that was broken before does not', async () => {
  const guardrails: ExperimentInput['guardrails'] = [{ metric: 'p99', direction: 'minimize', limit: 10.5 }];
  await watched({ failures: 1 }, { guardrails });
  expect(await check(measured(() => ({ p99: 10.8 })))).toMatchObject({ state: 'watching' });
  expect(await check(measured((p) => (isNew(p) ? { p99: 10.8 } : {})))).toMatchObject({
    state: 'rolled-back',
  });
});

test('what can never be measured again is taken back after its deadline, not kept', async () => {
  await watched({ duration: '2m', failures: 2, checks: 2 });
  const broken = executor(
    () => ({ state: 'failed', reason: 'the evaluator is broken' }) as Partial<TrialResult>,
  );
  for (let minute = 1; minute <= 3; minute++) expect((await check(broken)).state).toBe('watching');
  expect(await check(broken)).toMatchObject({
    state: 'rolled-back',
    reason: expect.stringContaining('could not measure'),
  });
  expect(existsSync(join(ctx.configDir, 'app.json'))).toBe(true);
});
