import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { phaseWindow } from '../../src/phase/due.ts';
import { resumeEpoch, runEpoch } from '../../src/phase/epoch.ts';
import { readReport } from '../../src/phase/read-report.ts';
import { showEpoch } from '../../src/phase/records.ts';
import { verifySignal } from '../../src/phase/signal.ts';
import { sha256Hex } from '../../src/store/json.ts';
import { readEvents, verifyLedger } from '../../src/store/ledger.ts';
import { experimentConfig } from '../support/context.ts';
import { BASE, control, FormulaExecutor, request, smallConfig, usual } from './formula.ts';
import { small, states } from './small-home.ts';

describe('a whole epoch', () => {
  test('accepts a threefold gain and not its neighbour, within 90 trials, and says it everywhere alike', async () => {
    const ctx = await small();
    const executor = new FormulaExecutor(ctx.clock);
    const watch = control();
    const result = await runEpoch(ctx, executor, watch, request());
    if (result.state !== 'done') throw new Error(result.reason);
    expect(states(result)).toEqual({ good: 'accept', same: 'inconclusive' });
    expect(executor.asked.length).toBeLessThanOrEqual(90);
    const [good] = result.verdicts;
    expect(good?.gain).toBeGreaterThan(1.8);
    expect(good?.gain).toBeLessThan(2.2);

    // The row, the verdicts, the events, the report, the signals and the line of epochs.jsonl agree.
    const row = await showEpoch(ctx.db, 'phase-1');
    expect(row).toMatchObject({
      state: 'done',
      date: '2026-06-15',
      forced: false,
      baselineVersion: 0,
      seed: 42,
    });
    expect(row.reportSha256).toBe(result.reportSha256);
    expect(row.elapsedMs).toBe(executor.asked.length * 1000);
    expect(row.verdicts.map((v) => [v.promotionId, v.verdict, v.carriedOutAt])).toEqual([
      ['good', 'accept', null],
      ['same', 'inconclusive', null],
    ]);
    expect(row.verdicts[0]?.statistics).toMatchObject({
      gain: good?.gain,
      optimism: 2.5 - (good?.gain ?? 0),
    });
    const kinds = (await readEvents(ctx.db)).map((event) => event.kind);
    expect(kinds).toEqual(['epoch.started', 'verdict.given', 'verdict.given', 'epoch.ended']);
    expect((await verifyLedger(ctx.db)).ok).toBe(true);
    const report = await readReport(ctx, 'phase-1');
    expect(report.candidates.map((c) => [c.promotion_id, c.verdict, c.gain])).toEqual(
      result.verdicts.map((v) => [v.promotionId, v.verdict, v.gain]),
    );
    expect(report.trials.total).toBe(executor.asked.length);
    expect(report.environment.node).toBe(process.version);
    const measurements = readFileSync(join(ctx.paths.phase, 'phase-1', 'measurements.jsonl'), 'utf8');
    expect(sha256Hex(measurements)).toBe(report.measurements.sha256);
    expect(measurements.trim().split('\n').length).toBe(executor.asked.length);
    expect(await verifySignal(ctx, 'phase-1')).toMatchObject({ sha256: result.reportSha256 });
    expect(readFileSync(join(ctx.paths.signals, 'klr_phase_complete_phase-1'), 'utf8')).toBe('');
    const line = JSON.parse(readFileSync(ctx.paths.epochsLedger, 'utf8'));
    expect(line).toMatchObject({ epoch_id: 'phase-1', date: '2026-06-15', sha256: result.reportSha256 });
    expect(watch.seen.at(-1)).toMatchObject({ stage: 'measure', total: expect.any(Number) });
    expect(watch.seen.every((p) => p.done < p.total)).toBe(true);
  });

  test('measures one trial at a time, on seeds that are held out, baseline and candidates on the same one', async () => {
    const ctx = await small();
    let under = 0;
    const executor = new FormulaExecutor(ctx.clock, (r, noise) => {
      expect(++under).toBe(1);
      under -= 1;
      return usual(r, noise);
    });
    await runEpoch(ctx, executor, control(), request());
    for (const { seed } of executor.asked) expect(seed % 2).toBe(1);
    const bySeed = Map.groupBy(executor.asked, (r) => r.seed);
    expect([...bySeed.values()].filter((same) => same.length >= 3).length).toBeGreaterThan(10);
  });

  test('the decided leave, and the time goes to those that are open', async () => {
    const ctx = await small(
      smallConfig({
        phase: { slices: 4, replicas: 4, window: { start: '10:00', end: '14:00', zone: 'UTC' } },
      }),
    );
    const bad = { ...BASE, ratio: 0.9 };
    const executor = new FormulaExecutor(ctx.clock, (r, noise) => {
      const metrics = usual(r, noise);
      return r.params.ratio === 0.9 ? { ...metrics, throughput: (metrics.throughput ?? 0) / 2 } : metrics;
    });
    const result = await runEpoch(
      ctx,
      executor,
      control(),
      request({
        candidates: [
          { promotionId: 'bad', experiment: 'demo', params: bad, searchScore: 1 },
          { promotionId: 'close', experiment: 'demo', params: { ...BASE, cache: 9 }, searchScore: 0.1 },
        ],
      }),
    );
    expect(states(result)).toMatchObject({ bad: 'reject' });
    const count = (test: (p: Record<string, unknown>) => boolean) =>
      executor.asked.filter((r) => test(r.params)).length;
    expect(count((p) => p.ratio === 0.9)).toBe(24);
    expect(count((p) => p.cache === 9)).toBeGreaterThanOrEqual(48);
  });

  test('of three equal candidates none is accepted', async () => {
    const ctx = await small();
    const candidates = [9, 10, 11].map((cache) => ({
      promotionId: `c${cache}`,
      experiment: 'demo',
      params: { ...BASE, cache },
      searchScore: null,
    }));
    const result = await runEpoch(ctx, new FormulaExecutor(ctx.clock), control(), request({ candidates }));
    expect(Object.values(states(result))).not.toContain('accept');
  });

  test('checks the baseline alone when nothing is screened, and publishes its level and its noise', async () => {
    const ctx = await small();
    const result = await runEpoch(
      ctx,
      new FormulaExecutor(ctx.clock),
      control(),
      request({ candidates: [], checkOnly: ['demo'] }),
    );
    expect(result).toMatchObject({ state: 'done', verdicts: [] });
    const report = await readReport(ctx, 'phase-1');
    expect(report.baseline.map((l) => [l.domain, l.metric, l.n]).length).toBe(6);
    expect(report.calibration[0]).toMatchObject({ experiment: 'demo', pairs: 2, false_positive: false });
  });
});

describe('what fails', () => {
  test('a candidate that fails is rejected, whatever it measured before', async () => {
    const ctx = await small();
    const executor = new FormulaExecutor(ctx.clock, (r, noise) =>
      r.params.mode === 'fast' && r.domain === 'write' ? { failed: 'exit 1' } : usual(r, noise),
    );
    expect(states(await runEpoch(ctx, executor, control(), request()))).toMatchObject({ good: 'reject' });
  });

  test('a metric that is NaN, infinite or missing is a failed trial', async () => {
    for (const p99 of [Number.NaN, Number.POSITIVE_INFINITY, undefined]) {
      const ctx = await small();
      const executor = new FormulaExecutor(ctx.clock, (r, noise) => {
        const { throughput = 0, p99: usually = 0 } = usual(r, noise);
        if (r.params.mode !== 'fast') return { throughput, p99: usually };
        return p99 === undefined ? { throughput } : { throughput, p99 };
      });
      const result = await runEpoch(ctx, executor, control(), request());
      expect(states(result)).toMatchObject({ good: 'reject' });
    }
  });

  test('a baseline that cannot be measured fails the epoch at once, and it may be tried again with fresh trials', async () => {
    const ctx = await small();
    let broken = true;
    const executor = new FormulaExecutor(ctx.clock, (r, noise) =>
      broken ? { failed: 'no disk' } : usual(r, noise),
    );
    const failed = await runEpoch(ctx, executor, control(), request());
    expect(failed).toMatchObject({ state: 'failed', reason: expect.stringContaining('no disk') });
    expect(executor.asked.length).toBeLessThanOrEqual(5);
    broken = false;
    expect(states(await resumeEpoch(ctx, executor, control(), 'phase-1'))).toMatchObject({ good: 'accept' });
    expect(await showEpoch(ctx.db, 'phase-1')).toMatchObject({ state: 'done', attempts: 2 });
  });

  test('of two experiments, the broken one’s candidates end in error and the other’s are judged', async () => {
    const ctx = await small({
      ...smallConfig(),
      experiments: { demo: experimentConfig(), other: experimentConfig() },
      phase: { slices: 2, replicas: 4 },
    });
    const executor = new FormulaExecutor(ctx.clock, (r, noise) =>
      r.experiment === 'other' ? { failed: 'gone' } : usual(r, noise),
    );
    const fast = { ...BASE, mode: 'fast' };
    const result = await runEpoch(
      ctx,
      executor,
      control(),
      request({
        baseline: { version: 0, params: { demo: BASE, other: BASE } },
        candidates: ['demo', 'other'].map((experiment) => ({
          promotionId: experiment,
          experiment,
          params: fast,
          searchScore: 1,
        })),
      }),
    );
    expect(states(result)).toEqual({ demo: 'accept', other: 'error' });
  });
});

describe('time', () => {
  test('it is over before the window is, with what was measured judged', async () => {
    const config = smallConfig();
    const ctx = await small({ ...config, phase: { ...config.phase, slices: 4, replicas: 2 } });
    const endsAt = ctx.clock.now() + 75_500;
    const executor = new FormulaExecutor(ctx.clock);
    const result = await runEpoch(ctx, executor, control(), request({ endsAt }));
    expect(result).toMatchObject({ state: 'done', reason: expect.stringContaining('the time is used up') });
    expect(ctx.clock.now()).toBeLessThan(endsAt);
    expect(states(result)).toMatchObject({ good: 'accept' });
    // Nothing was begun that could not be ended: no trial is cut, and the last block is whole.
    const rows = await ctx.db.all<{ seed: number }>('SELECT seed FROM trials ORDER BY number');
    expect(rows.length).toBe(executor.asked.length);
    expect(rows.filter(({ seed }) => seed === rows.at(-1)?.seed).length).toBeGreaterThanOrEqual(3);
  });

  test('no trial outlives it: one that hangs is cut and says nothing', async () => {
    const ctx = await small();
    const endsAt = ctx.clock.now() + 20_000;
    const executor = new FormulaExecutor(ctx.clock, usual, 30_000);
    const result = await runEpoch(ctx, executor, control(), request({ endsAt }));
    expect(result).toMatchObject({ state: 'timeout' });
    expect(ctx.clock.now()).toBeLessThan(endsAt);
    expect(await ctx.db.all('SELECT number FROM trials')).toEqual([]);
  });

  test('a budget is elapsed time: a clock that steps back gives no more of it', async () => {
    const ctx = await small();
    const executor = new FormulaExecutor(ctx.clock);
    executor.before = () => ctx.clock.step(-1000);
    const before = ctx.clock.monotonic();
    await runEpoch(ctx, executor, control(), request({ endsAt: ctx.clock.now() + 40_000 }));
    expect(ctx.clock.monotonic() - before).toBeLessThan(40_000);
  });

  test('too short for the smallest plan is refused with its code and on record, and uses the date', async () => {
    const ctx = await small();
    await runEpoch(ctx, new FormulaExecutor(ctx.clock), control(), request({ id: 'earlier', forced: true }));
    const executor = new FormulaExecutor(ctx.clock);
    const result = await runEpoch(ctx, executor, control(), request({ endsAt: ctx.clock.now() + 10_000 }));
    expect(result).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('KLR_E_PHASE_TOO_SHORT'),
    });
    expect(executor.asked).toEqual([]);
    expect((await readEvents(ctx.db, { subject: 'phase-1' })).map((e) => e.kind)).toEqual([
      'epoch.started',
      'epoch.ended',
    ]);
    expect(await phaseWindow(ctx)).toMatchObject({ date: '2026-06-15', used: true });
  });

  test('candidates that do not fit wait, the best goes first', async () => {
    const ctx = await small();
    await runEpoch(ctx, new FormulaExecutor(ctx.clock), control(), request({ id: 'earlier', forced: true }));
    const result = await runEpoch(
      ctx,
      new FormulaExecutor(ctx.clock),
      control(),
      request({ endsAt: ctx.clock.now() + 55_000 }),
    );
    expect(states(result)).toEqual({ good: 'accept' });
    expect((await readReport(ctx, 'phase-1')).postponed).toEqual(['same']);
  });

  test('one epoch a date: a second one is refused, a forced one is not', async () => {
    const ctx = await small();
    await runEpoch(ctx, new FormulaExecutor(ctx.clock), control(), request());
    const again = runEpoch(ctx, new FormulaExecutor(ctx.clock), control(), request({ id: 'phase-2' }));
    await expect(again).rejects.toMatchObject({ code: 'KLR_E_PHASE_USED' });
    const forced = await runEpoch(
      ctx,
      new FormulaExecutor(ctx.clock),
      control(),
      request({ id: 'phase-3', forced: true }),
    );
    expect(forced.state).toBe('done');
  });
});
