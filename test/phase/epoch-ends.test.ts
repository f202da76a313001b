import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { phaseWindow } from '../../src/phase/due.ts';
import { runEpoch } from '../../src/phase/epoch.ts';
import { showEpoch } from '../../src/phase/records.ts';
import type { EpochRequest } from '../../src/phase/types.ts';
import { experimentConfig, type TestContext } from '../support/context.ts';
import { control, FormulaExecutor, request, smallConfig } from './formula.ts';
import { moveBaseline, small } from './small-home.ts';

describe('what voids it', () => {
  const during = async (
    ctx: TestContext,
    at: number,
    change: () => void | Promise<void>,
    over: Partial<EpochRequest> = {},
  ) => {
    const executor = new FormulaExecutor(ctx.clock);
    const run = executor.run.bind(executor);
    executor.run = async (r, options) => {
      if (executor.asked.length === at) await change();
      return run(r, options);
    };
    return { result: await runEpoch(ctx, executor, control(), request(over)), executor };
  };

  test('a baseline that moved: at the next trial, without a verdict', async () => {
    const ctx = await small();
    const { result, executor } = await during(ctx, 10, () => moveBaseline(ctx));
    expect(result).toMatchObject({ state: 'voided', reason: expect.stringContaining('baseline moved') });
    expect(executor.asked.length).toBe(11);
    expect(await ctx.db.all('SELECT * FROM verdicts')).toEqual([]);
    expect(existsSync(join(ctx.paths.signals, 'klr_phase_complete_phase-1'))).toBe(false);
    expect(await showEpoch(ctx.db, 'phase-1')).toMatchObject({
      state: 'voided',
      reason: expect.stringContaining('baseline moved'),
    });
  });

  test('an evaluator that changed: at the next slice, and at the end of the last', async () => {
    for (const at of [5, 61]) {
      const experiment = experimentConfig({
        domains: { read: {}, write: {}, mixed: {} },
        evaluator: { command: ['./evaluate.sh'] },
      });
      const ctx = await small({ ...smallConfig(), experiments: { demo: experiment } });
      const file = join(ctx.configDir, 'evaluate.sh');
      writeFileSync(file, 'one');
      const { result } = await during(ctx, at, () => writeFileSync(file, 'two'));
      expect(result).toMatchObject({ state: 'voided', reason: 'the environment changed: evaluator demo' });
    }
  });

  test('its date stays used', async () => {
    const ctx = await small();
    await during(ctx, 3, () => moveBaseline(ctx));
    expect(await phaseWindow(ctx)).toMatchObject({ used: true });
    expect(JSON.parse(readFileSync(ctx.paths.epochsLedger, 'utf8'))).toMatchObject({
      state: 'voided',
      date: '2026-06-15',
    });
  });
});

describe('what ends or pauses it', () => {
  test('abort kills the trial under way, records nothing of it, and pauses', async () => {
    const ctx = await small();
    const watch = control();
    const executor = new FormulaExecutor(ctx.clock);
    executor.before = () => {
      if (executor.asked.length !== 7) return;
      watch.reason = 'killed';
      watch.stop.abort();
    };
    expect(await runEpoch(ctx, executor, watch, request())).toEqual({ state: 'paused', reason: 'killed' });
    expect((await ctx.db.all('SELECT number FROM trials')).length).toBe(7);
    expect(executor.asked.length).toBe(8);
    expect(await showEpoch(ctx.db, 'phase-1')).toMatchObject({ state: 'paused', endedAt: null });
  });

  test.each(['mode', 'watch-due', 'shutdown'] as const)(
    '%s pauses at the next trial’s boundary',
    async (reason) => {
      const ctx = await small();
      const watch = control();
      const executor = new FormulaExecutor(ctx.clock);
      executor.before = () => {
        if (executor.asked.length === 4) watch.reason = reason;
      };
      expect(await runEpoch(ctx, executor, watch, request())).toEqual({ state: 'paused', reason });
      expect((await ctx.db.all('SELECT number FROM trials')).length).toBe(5);
    },
  );

  test('cancelled fails it; the window’s edge ends it with what is known', async () => {
    for (const [reason, state] of [
      ['cancelled', 'failed'],
      ['window-edge', 'timeout'],
    ] as const) {
      const ctx = await small();
      const watch = control();
      watch.reason = reason;
      expect(await runEpoch(ctx, new FormulaExecutor(ctx.clock), watch, request())).toMatchObject({ state });
    }
  });

  test('one that nobody resumed ends when the next begins', async () => {
    const ctx = await small();
    const watch = control();
    watch.reason = 'mode';
    await runEpoch(ctx, new FormulaExecutor(ctx.clock), watch, request());
    ctx.clock.advance(86_400_000);
    const next = request({ id: 'phase-2', date: '2026-06-16', endsAt: ctx.clock.now() + 7_200_000 });
    expect((await runEpoch(ctx, new FormulaExecutor(ctx.clock), control(), next)).state).toBe('done');
    expect(await showEpoch(ctx.db, 'phase-1')).toMatchObject({
      state: 'voided',
      reason: expect.stringContaining('not resumed'),
    });
  });
});
