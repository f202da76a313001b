import { afterEach, describe, expect, test } from 'vitest';
import { resumeCycle, runCycle } from '../../src/dream/cycle.ts';
import { showCycle } from '../../src/dream/records.ts';
import type { TestContext } from '../support/context.ts';
import { control, demoContext, demoRequest, formulaExecutor, tunable } from './formula-executor.ts';

const open: TestContext[] = [];
afterEach(async () => {
  for (const ctx of open.splice(0)) await ctx.cleanup();
});

async function demo(): Promise<TestContext> {
  const ctx = await demoContext();
  open.push(ctx);
  return ctx;
}

describe('the time budget of a cycle', () => {
  test.each([1, 2])('ends the search early enough for a whole screening, with %i at once', async (slots) => {
    const ctx = await demo();
    const start = ctx.clock.monotonic();
    const durationMs = 20_000;
    const executor = formulaExecutor(ctx, tunable, { slots, durationMs: (t) => 100 + (t.seed % 100) });
    const request = demoRequest(ctx, { trials: 1000, durationMs });
    const result = await runCycle(ctx, executor, control(), request);
    expect(ctx.clock.monotonic() - start).toBeLessThanOrEqual(durationMs);
    expect(result).toMatchObject({ state: 'done', reason: expect.stringContaining('time for the search') });
    const { trials, elapsedMs } = await showCycle(ctx.db, 'cycle-1');
    expect(trials.filter(({ role }) => role === 'screen').length).toBe(3 * 2 * 4);
    expect(trials.filter(({ role }) => role === 'search').length).toBeGreaterThan(30);
    expect(elapsedMs).toBe(Math.ceil(ctx.clock.monotonic() - start));
  });

  test('holds when trials hang: they are cut at its end, which is no evidence against them', async () => {
    const ctx = await demo();
    const executor = formulaExecutor(ctx, tunable, { durationMs: (t) => (t.id.endsWith('t20') ? 1e9 : 100) });
    const request = demoRequest(ctx, { trials: 1000, durationMs: 15_000 });
    const result = await runCycle(ctx, executor, control(), request);
    expect(result.state).toBe('done');
    expect(ctx.clock.monotonic()).toBeLessThanOrEqual(15_000);
    const { trials } = await showCycle(ctx.db, 'cycle-1');
    expect(trials.every(({ state }) => state === 'completed')).toBe(true);
  });

  test('ends a screening that became slow after its complete rounds, and counts those', async () => {
    const ctx = await demo();
    // 4 trials of the baseline and 17 x 2 of the search stand before the screening.
    const executor = formulaExecutor(ctx, tunable, {
      durationMs: (t) => (Number(t.id.split('-t')[1]) > 38 + 8 ? 900 : 100),
    });
    const request = demoRequest(ctx, { trials: 17, durationMs: 15_000 });
    const result = await runCycle(ctx, executor, control(), request);
    expect(result.state).toBe('done');
    expect(ctx.clock.monotonic()).toBeLessThanOrEqual(15_000);
    expect(
      (await showCycle(ctx.db, 'cycle-1')).trials.filter(({ role }) => role === 'screen').length,
    ).toBeLessThan(24);
  });

  test('that ends within the second round of the screening is a timeout: one round tells no noise', async () => {
    const ctx = await demo();
    const executor = formulaExecutor(ctx, tunable, {
      durationMs: (t) => (Number(t.id.split('-t')[1]) > 38 + 8 ? 5000 : 100),
    });
    const result = await runCycle(
      ctx,
      executor,
      control(),
      demoRequest(ctx, { trials: 17, durationMs: 15_000 }),
    );
    expect(result.state).toBe('timeout');
    expect(ctx.clock.monotonic()).toBeLessThanOrEqual(15_000);
  });

  test('that is too short to compare anything is a timeout', async () => {
    const ctx = await demo();
    const executor = formulaExecutor(ctx, tunable, { durationMs: 100 });
    const result = await runCycle(ctx, executor, control(), demoRequest(ctx, { durationMs: 350 }));
    expect(result).toMatchObject({ state: 'timeout' });
    expect(ctx.clock.monotonic()).toBeLessThanOrEqual(350);
  });

  test('counts over all runs of the cycle, and not the time between them', async () => {
    const ctx = await demo();
    const executor = formulaExecutor(ctx, tunable, { durationMs: 100 });
    const request = demoRequest(ctx, { trials: 1000, durationMs: 20_000 });
    let asked = 0;
    const stop = () => (asked++ < 60 ? null : ('mode' as const));
    expect(await runCycle(ctx, executor, control({ stop }), request)).toEqual({
      state: 'paused',
      reason: 'mode',
    });
    ctx.clock.advance(24 * 3_600_000);
    const before = ctx.clock.monotonic();
    expect((await resumeCycle(ctx, executor, control(), 'cycle-1')).state).toBe('done');
    expect(ctx.clock.monotonic() - before).toBeLessThanOrEqual(20_000 - 6_000);
  });
});

describe('a running cycle', () => {
  test('is paused when the executor refuses a trial, and says why', async () => {
    const ctx = await demo();
    const executor = formulaExecutor(ctx, tunable);
    const refusing: typeof executor = {
      ...executor,
      run: async (trial, options) => {
        const result = await executor.run(trial, options);
        return executor.started.length > 9
          ? { ...result, state: 'stopped', reason: 'the circuit breaker is open' }
          : result;
      },
    };
    const result = await runCycle(ctx, refusing, control(), demoRequest(ctx));
    expect(result).toEqual({ state: 'paused', reason: 'the circuit breaker is open' });
    expect((await showCycle(ctx.db, 'cycle-1')).trials.length).toBe(9);
    expect((await resumeCycle(ctx, executor, control(), 'cycle-1')).state).toBe('done');
  });

  test('starts nothing more once a trial could not be run at all', async () => {
    const ctx = await demoContext({ domains: { a: {}, b: {}, c: {}, d: {} } });
    open.push(ctx);
    let full = 1;
    const before = (place: number) => {
      if (place === 9 && full-- > 0) throw new Error('the disk is full');
    };
    const executor = formulaExecutor(ctx, tunable, { slots: 2, before });
    await expect(runCycle(ctx, executor, control(), demoRequest(ctx))).rejects.toThrow('the disk is full');
    expect(executor.started.length).toBeLessThanOrEqual(9 + 1);
  });

  test('gives way to another process that took it over', async () => {
    const ctx = await demo();
    const executor = formulaExecutor(ctx, tunable);
    const late: typeof executor = {
      ...executor,
      run: async (trial, options) => {
        if (executor.started.length === 12) {
          const other = formulaExecutor(ctx, tunable);
          expect((await resumeCycle(ctx, other, control(), 'cycle-1')).state).toBe('done');
        }
        return executor.run(trial, options);
      },
    };
    await expect(runCycle(ctx, late, control(), demoRequest(ctx))).rejects.toMatchObject({
      code: 'KLR_E_FENCED',
    });
    expect((await showCycle(ctx.db, 'cycle-1')).state).toBe('done');
  });

  test('gives way to another process that is running it', async () => {
    const ctx = await demo();
    const executor = formulaExecutor(ctx, tunable);
    const late: typeof executor = {
      ...executor,
      run: async (trial, options) => {
        const result = await executor.run(trial, options);
        if (executor.started.length !== 12) return result;
        // The other one has recorded this very trial, and is at the next.
        const before = (place: number) => {
          if (place > 0) throw new Error('still running');
        };
        const other = resumeCycle(ctx, formulaExecutor(ctx, tunable, { before }), control(), 'cycle-1');
        await expect(other).rejects.toThrow('still running');
        return result;
      },
    };
    await expect(runCycle(ctx, late, control(), demoRequest(ctx))).rejects.toMatchObject({
      code: 'KLR_E_FENCED',
      message: expect.stringContaining('recorded by another'),
    });
  });
});
