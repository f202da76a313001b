import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readMetrics } from '../../src/metrics/counters.ts';
import { readEvents } from '../../src/store/ledger.ts';
import { admit, afterTrial, type Breaker, CLOSED } from '../../src/trial/breaker.ts';
import { localExecutor } from '../../src/trial/execute.ts';
import { govern, governorState } from '../../src/trial/governor.ts';
import type { Executor } from '../../src/trial/types.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { sh, trial } from './support.ts';

const OK = sh(`echo '{"throughput": 1}' >> $KLOROS_METRICS`);
const BAD = sh('exit 1');

type Governor = {
  concurrent_trials?: number;
  trials_per_hour?: number;
  min_free_disk?: string;
  breaker?: object;
};

async function governed(
  settings: Governor,
  work: (ctx: TestContext, executor: Executor) => Promise<void>,
): Promise<void> {
  const ctx = await testContext({ config: { governor: { min_free_disk: '1B', ...settings } } });
  try {
    await work(ctx, govern(localExecutor(ctx, 8), ctx));
  } finally {
    await ctx.cleanup();
  }
}

async function recordTrial(ctx: TestContext, number: number, startedAt: number): Promise<void> {
  await ctx.db.run(
    `INSERT INTO trials (owner, number, experiment, role, subject, domain, params, seed, state, metrics, detail, started_at, duration_ms)
     VALUES ('c', ?, 'demo', 'search', '0', 'read', '{}', 1, 'completed', '{}', '{}', ?, 1)`,
    number,
    startedAt,
  );
}

test('no more trials are under way at once than allowed, and all of them run', () =>
  governed({ concurrent_trials: 2 }, async (ctx, executor) => {
    let now = 0;
    let most = 0;
    const counting: Executor = {
      slots: 8,
      async run(request, options) {
        most = Math.max(most, ++now);
        const result = await localExecutor(ctx, 8).run(request, options);
        now--;
        return result;
      },
    };
    expect(executor.slots).toBe(2);
    const run = govern(counting, ctx).run;
    const results = await Promise.all([0, 1, 2, 3, 4].map((n) => run(trial({ id: `t${n}`, ...OK }))));
    expect(results.map(({ state }) => state)).toEqual(Array(5).fill('completed'));
    expect(most).toBe(2);
  }));

test('trials an hour are counted over processes, and a clock that stepped back far stops nothing', () =>
  governed({ trials_per_hour: 3 }, async (ctx, executor) => {
    const now = ctx.clock.now();
    await recordTrial(ctx, 0, now - 3_599_000);
    await recordTrial(ctx, 1, now - 3_601_000);
    await recordTrial(ctx, 2, now + 86_400_000);
    const results = await Promise.all([0, 1, 2].map((n) => executor.run(trial({ id: `t${n}`, ...OK }))));
    expect(results.map(({ state }) => state)).toEqual(['completed', 'completed', 'stopped']);
    expect(results[2]).toMatchObject({ reason: expect.stringContaining('trials_per_hour is 3') });
    ctx.clock.advance(3_600_001);
    expect(await executor.run(trial(OK))).toMatchObject({ state: 'completed' });
    expect(await readMetrics(ctx.db)).toContainEqual({
      name: 'kloros_trials_refused_total',
      labels: { cause: 'rate' },
      value: 1,
    });
  }));

test('trials that nobody records count as well', () =>
  governed({ trials_per_hour: 2 }, async (_ctx, executor) => {
    const states: string[] = [];
    for (let n = 0; n < 3; n++) states.push((await executor.run(trial(OK))).state);
    expect(states).toEqual(['completed', 'completed', 'stopped']);
  }));

test('nothing starts below the free-disk floor, nor when it cannot be told', () =>
  governed({ min_free_disk: '1000000TiB' }, async (ctx, executor) => {
    expect(await executor.run(trial(OK))).toMatchObject({
      state: 'stopped',
      reason: expect.stringContaining('min_free_disk'),
    });
    const blind = {
      ...ctx,
      fs: {
        ...ctx.fs,
        statfsSync: () => {
          throw new Error('EIO');
        },
      },
    };
    expect(await govern(localExecutor(ctx, 1), blind).run(trial(OK))).toMatchObject({
      state: 'stopped',
      reason: 'the free disk space cannot be told',
    });
    expect((await governorState(blind)).freeDisk).toBeNull();
  }));

test('a trial is ended when the disk fills while it runs', () =>
  governed({ min_free_disk: '1000B' }, async (ctx) => {
    let free = 2000;
    const fs = {
      ...ctx.fs,
      statfsSync: (() => ({ bavail: free, bsize: 1 })) as unknown as typeof ctx.fs.statfsSync,
    };
    const running = govern(localExecutor(ctx, 1), { ...ctx, fs }).run(
      trial(sh(`echo '{"step": 1}' >> $KLOROS_METRICS; sleep 60`)),
      {
        onStep: () => {
          free = 500;
          return 'go-on';
        },
      },
    );
    expect(await running).toMatchObject({
      state: 'stopped',
      reason: expect.stringContaining('500 bytes are free'),
    });
    expect((await governorState(ctx)).breakers[0]).toMatchObject({ failures: 1 });
  }));

test('what the governor cannot tell is not allowed', () =>
  governed({}, async (ctx) => {
    const gone = () => Promise.reject(new Error('database is gone'));
    const db = { all: gone, get: gone, run: gone, transaction: gone, close: gone };
    const executor = govern(localExecutor(ctx, 1), { ...ctx, db });
    expect(await executor.run(trial(sh('echo $$ >> pids')))).toMatchObject({
      state: 'stopped',
      reason: expect.stringContaining('database is gone'),
    });
    expect(ctx.fs.existsSync(`${ctx.configDir}/pids`)).toBe(false);
  }));

test('failures in a row open the breaker of their experiment alone; a single trial tries again, in any process', () =>
  governed({ breaker: { failures: 2, cooldown: '1m' }, concurrent_trials: 4 }, async (ctx, executor) => {
    const run = (request: object, by = executor) => by.run(trial(request)).then(({ state }) => state);
    expect(await run(BAD)).toBe('failed');
    expect(await run(OK)).toBe('completed');
    expect([await run(BAD), await run(BAD)]).toEqual(['failed', 'failed']);
    expect(await executor.run(trial(OK))).toMatchObject({
      state: 'stopped',
      reason: '2 trials of demo failed in a row: the next is tried at 2026-06-15T12:01:00.000Z',
    });
    expect(await run({ ...OK, experiment: 'other' })).toBe('completed');

    const next = govern(localExecutor(ctx, 4), ctx);
    expect(await run(OK, next)).toBe('stopped');
    ctx.clock.advance(60_000);
    expect(await Promise.all([run({ ...BAD, id: 'a' }, next), run({ ...OK, id: 'b' }, next)])).toEqual([
      'failed',
      'stopped',
    ]);
    expect((await governorState(ctx)).breakers).toEqual([
      { experiment: 'demo', state: 'open', failures: 3, triesAgainAt: ctx.clock.now() + 60_000 },
    ]);
    ctx.clock.advance(60_000);
    const states = await Promise.all(['a', 'b', 'c'].map((id) => run({ ...OK, id }, next)));
    expect(states).toEqual(['completed', 'completed', 'completed']);
    const kinds = (await readEvents(ctx.db)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind.startsWith('breaker'))).toEqual([
      'breaker.open',
      'breaker.half-open',
      'breaker.open',
      'breaker.half-open',
      'breaker.closed',
    ]);
  }));

test('a trial that tries and is stopped lets the next one try at once', () =>
  governed({ breaker: { failures: 1, cooldown: '1m' } }, async (ctx, executor) => {
    await executor.run(trial(BAD));
    ctx.clock.advance(60_000);
    const stopped = await executor.run(trial(sh(`echo '{"step": 1}' >> $KLOROS_METRICS; sleep 60`)), {
      onStep: () => 'stop',
    });
    expect(stopped).toMatchObject({ state: 'stopped', reason: 'stopped early at step 1' });
    expect(await executor.run(trial(OK))).toMatchObject({ state: 'completed' });
  }));

test('an open breaker lets nothing through before its cooldown, and one trial after it; a completed trial closes it', () => {
  const settings = { failures: 3, cooldown: 1000 };
  const event = fc.oneof(
    fc.constantFrom('completed', 'failed', 'failed', 'stopped').map((ended) => ({ ended })),
    fc.integer({ min: 0, max: 1500 }).map((wait) => ({ wait })),
  );
  fc.assert(
    fc.property(fc.array(event), (events) => {
      let breaker: Breaker = CLOSED;
      let now = 5000;
      let inARow = 0;
      let lastFailure = 0;
      for (const happened of events) {
        if ('wait' in happened) {
          now += happened.wait;
          continue;
        }
        const admitted = admit(breaker, settings, now);
        expect(admitted !== null).toBe(inARow < settings.failures || now >= lastFailure + settings.cooldown);
        if (!admitted) continue;
        // While one tries, no second one may.
        if (admitted.state === 'half-open') expect(admit(admitted, settings, now)).toBeNull();
        breaker = afterTrial(admitted, happened.ended, settings, now);
        if (happened.ended === 'completed') inARow = 0;
        if (happened.ended === 'failed') {
          inARow++;
          lastFailure = now;
        }
        expect(breaker.state === 'closed').toBe(inARow < settings.failures);
      }
    }),
  );
});

test('a breaker that was opened by a clock that was ahead tries at once', () => {
  const settings = { failures: 1, cooldown: 1000 };
  const open = afterTrial(CLOSED, 'failed', settings, 1_000_000);
  expect(admit(open, settings, 5000)).toMatchObject({ state: 'half-open', since: 5000 });
});
