import { afterEach, describe, expect, test } from 'vitest';
import { checkParams } from '../../src/config/parameters.ts';
import { runCycle } from '../../src/dream/cycle.ts';
import { listCycles, showCycle } from '../../src/dream/records.ts';
import type { CycleResult } from '../../src/dream/types.ts';
import { readMetrics } from '../../src/metrics/counters.ts';
import { readEvents, verifyLedger } from '../../src/store/ledger.ts';
import type { TrialRequest } from '../../src/trial/types.ts';
import { type ExperimentInput, seededRandom, type TestContext } from '../support/context.ts';
import {
  control,
  demoContext,
  demoRequest,
  type Formula,
  formulaExecutor,
  tunable,
} from './formula-executor.ts';

const open: TestContext[] = [];
afterEach(async () => {
  for (const ctx of open.splice(0)) await ctx.cleanup();
});

async function demo(overrides: Partial<ExperimentInput> = {}): Promise<TestContext> {
  const ctx = await demoContext(overrides);
  open.push(ctx);
  return ctx;
}

function done(result: CycleResult) {
  if (result.state !== 'done') throw new Error(`${result.state}: ${result.reason}`);
  return result;
}

async function trialsOf(ctx: TestContext) {
  return (await showCycle(ctx.db, 'cycle-1')).trials.map(({ startedAt, durationMs, ...trial }) => trial);
}

describe('a cycle', () => {
  test('finds a gain, measures it again beside the baseline and says what to change', async () => {
    const ctx = await demo();
    const request = demoRequest(ctx, { trials: 30 });
    const result = done(await runCycle(ctx, formulaExecutor(ctx, tunable), control(), request));
    const [winner] = result.winners;
    expect(winner?.gain).toBeGreaterThan(0.3);
    expect(winner?.changes).toMatchObject({ mode: 'fast' });
    expect(winner?.objectives).toHaveProperty('throughput');
    expect(winner?.objectives).toHaveProperty('p99');
    expect(result.summary).toMatchObject({ evaluated: 30, failed: 0, bestGain: winner?.gain });
    expect(result.summary.baselineMetrics.throughput).toBeCloseTo(75 * (1 + 0.3 - 0.04), 6);
  });

  test('is the same for the same seed and another for another', async () => {
    const runs = [];
    for (const seed of [7, 7, 8]) {
      const ctx = await demo();
      const result = await runCycle(
        ctx,
        formulaExecutor(ctx, tunable),
        control(),
        demoRequest(ctx, { seed }),
      );
      runs.push({ result, trials: await trialsOf(ctx) });
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]?.trials).not.toEqual(runs[0]?.trials);
  });

  test('does not depend on the order in which parallel trials end', async () => {
    const runs = [];
    for (const durationMs of [10, 1000]) {
      const ctx = await demo();
      const executor = formulaExecutor(ctx, tunable, { slots: 2, durationMs });
      const shuffled = {
        ...executor,
        run: delayed(executor.run, ({ seed }) => (durationMs === 10 ? seed % 50 : 0)),
      };
      const result = await runCycle(ctx, shuffled, control(), demoRequest(ctx));
      expect(executor.most()).toBe(2);
      runs.push({ result, trials: await trialsOf(ctx) });
    }
    expect(runs[1]).toEqual(runs[0]);
  });

  test('stops trials early by what was told when they began, not by what ended meanwhile', async () => {
    // The first domain tells nothing: what is known changes while a configuration is in it.
    const drawn = ({ seed, domain }: TrialRequest) => (domain === 'a' ? 100 : 100 + seededRandom(seed)());
    const formula: Formula = (trial) => ({ throughput: drawn(trial), p99: 10 });
    const steps = (trial: TrialRequest) =>
      trial.domain === 'a' ? [] : [{ step: 1, metrics: { throughput: drawn(trial) } }];
    for (const seed of [1, 2, 3]) {
      const runs = [];
      for (const most of [1, 20, 100]) {
        const ctx = await demo({ domains: { a: {}, b: {} } });
        const executor = formulaExecutor(ctx, formula, { slots: 4, steps });
        const shuffled = { ...executor, run: delayed(executor.run, (trial) => (trial.seed >>> 3) % most) };
        await runCycle(ctx, shuffled, control(), demoRequest(ctx, { trials: 30, seed }));
        runs.push((await trialsOf(ctx)).filter(({ role }) => role === 'search'));
      }
      expect(runs[0]?.filter(({ state }) => state === 'stopped').length).toBeGreaterThan(3);
      expect(runs[1]).toEqual(runs[0]);
      expect(runs[2]).toEqual(runs[0]);
    }
  });

  test('measures again in blocks that go forwards and backwards in turns', async () => {
    const ctx = await demo();
    const executor = formulaExecutor(ctx, tunable);
    await runCycle(ctx, executor, control(), demoRequest(ctx));
    const screened = executor.started.filter(({ seed }) => seed % 2 === 1);
    const block = (n: number) => screened.slice(n * 4, (n + 1) * 4);
    for (let n = 0; n + 1 < 6; n += 2) {
      expect(new Set(block(n).map(({ domain }) => domain)).size).toBe(1);
      expect(block(n + 1).map(({ params }) => params)).toEqual(
        block(n)
          .map(({ params }) => params)
          .reverse(),
      );
    }
  });

  test('screens with seeds that the search never saw, shared by all subjects of a block', async () => {
    const ctx = await demo();
    await runCycle(ctx, formulaExecutor(ctx, tunable), control(), demoRequest(ctx));
    const trials = await trialsOf(ctx);
    const seeds = (screen: boolean) =>
      new Set(trials.filter((t) => (t.role === 'screen') === screen).map((t) => t.seed));
    expect(seeds(true).intersection(seeds(false)).size).toBe(0);
    const repeats = 3;
    expect(seeds(true).size).toBe(repeats * 2);
  });

  test('weighs the domains: the same formula with other weights has another winner', async () => {
    const formula: Formula = ({ params, domain }) => {
      const fast = params.mode === 'fast';
      return { throughput: domain === 'read' ? (fast ? 150 : 100) : fast ? 60 : 100, p99: 10 };
    };
    const modes = async (read: number, write: number) => {
      const ctx = await demo({ domains: { read: { weight: read }, write: { weight: write } } });
      const result = done(await runCycle(ctx, formulaExecutor(ctx, formula), control(), demoRequest(ctx)));
      return result.winners.map(({ changes }) => changes.mode);
    };
    expect(await modes(9, 1)).toContain('fast');
    expect(await modes(1, 1)).toEqual([]);
  });

  test('tries and promotes a conditional parameter only where it is active', async () => {
    const ctx = await demo({
      parameters: {
        mode: { type: 'categorical', choices: ['slow', 'fast'], default: 'slow' },
        depth: { type: 'int', low: 1, high: 64, default: 1, when: { mode: ['fast'] } },
      },
    });
    const formula: Formula = ({ params }) => ({
      throughput: params.mode === 'fast' ? 100 + Number(params.depth) : 100,
      p99: 10,
    });
    const executor = formulaExecutor(ctx, formula);
    const result = done(await runCycle(ctx, executor, control(), demoRequest(ctx, { trials: 25 })));
    for (const { params } of executor.started)
      expect(Object.hasOwn(params, 'depth')).toBe(params.mode === 'fast');
    expect(result.winners[0]?.changes.mode).toBe('fast');
    expect(Number(result.winners[0]?.changes.depth)).toBeGreaterThan(30);
  });

  test('never varies a parameter that is off, and never promotes one that is only observed', async () => {
    const ctx = await demo({
      parameters: {
        cache: { type: 'int', low: 1, high: 1024, log: true, default: 8, autonomy: 'observe' },
        ratio: { type: 'float', low: 0, high: 1, default: 0.5 },
        mode: { type: 'categorical', choices: ['slow', 'fast'], default: 'slow' },
        compress: { type: 'boolean', default: true, autonomy: 'off' },
        level: { type: 'int', low: 0, high: 9, default: 3, autonomy: 'off' },
      },
    });
    const executor = formulaExecutor(ctx, tunable);
    const result = done(await runCycle(ctx, executor, control(), demoRequest(ctx, { trials: 20 })));
    for (const { params } of executor.started) expect(params).toMatchObject({ compress: true, level: 3 });
    expect(new Set(executor.started.map(({ params }) => params.cache)).size).toBeGreaterThan(3);
    expect(result.winners.length).toBeGreaterThan(0);
    for (const { changes } of result.winners) expect(Object.keys(changes)).not.toContain('cache');
  });

  test('tries nothing that a constraint forbids, and promotes no step beyond max_step', async () => {
    const ctx = await demo({
      parameters: {
        cache: { type: 'int', low: 1, high: 1024, default: 8, max_step: 0.1 },
        ratio: { type: 'float', low: 0, high: 1, default: 0.5 },
        mode: { type: 'categorical', choices: ['slow', 'fast'], default: 'slow' },
      },
      forbidden: ['cache > 500 && ratio > 0.6'],
    });
    const experiment = ctx.config.experiments.demo;
    const executor = formulaExecutor(ctx, tunable);
    const result = done(await runCycle(ctx, executor, control(), demoRequest(ctx, { trials: 25 })));
    for (const { params } of executor.started)
      expect(experiment && checkParams(experiment, params)).toEqual([]);
    expect(result.winners.length).toBeGreaterThan(0);
    for (const { changes } of result.winners) expect(Number(changes.cache ?? 8)).toBeLessThanOrEqual(110);
  });

  test('tells of itself as it goes, and in the ledger, the counters and the records afterwards', async () => {
    const ctx = await demo();
    const watching = control();
    const result = done(await runCycle(ctx, formulaExecutor(ctx, tunable), watching, demoRequest(ctx)));
    expect(new Set(watching.seen.map(({ stage }) => stage))).toEqual(new Set(['search', 'screen']));
    expect(watching.seen.some(({ message }) => /mode=fast.*best so far \+/.test(message))).toBe(true);
    expect(watching.seen.every(({ leftMs }) => leftMs !== null && leftMs > 0)).toBe(true);
    expect((await readEvents(ctx.db)).map(({ kind }) => kind)).toEqual(['cycle.started', 'cycle.ended']);
    expect(await verifyLedger(ctx.db)).toMatchObject({ ok: true });
    const trials = await trialsOf(ctx);
    const counted = (await readMetrics(ctx.db)).filter(({ name }) => name === 'kloros_trials_total');
    expect(counted.reduce((sum, { value }) => sum + value, 0)).toBe(trials.length);
    const [record] = await listCycles(ctx.db, { experiment: 'demo' });
    expect(record).toMatchObject({ id: 'cycle-1', state: 'done', result, budget: { trials: 12 } });
    expect(await listCycles(ctx.db, { experiment: 'other' })).toEqual([]);
    await expect(showCycle(ctx.db, 'nothing')).rejects.toMatchObject({ code: 'KLR_E_NOT_FOUND' });
  });

  test('writes nothing for a space that is empty or an experiment that is unknown', async () => {
    const ctx = await demo({ constraints: ['cache > 2000'] });
    const start = (experiment: string) =>
      runCycle(ctx, formulaExecutor(ctx, tunable), control(), { ...demoRequest(ctx), experiment });
    await expect(start('demo')).rejects.toMatchObject({ code: 'KLR_E_SPACE_EMPTY' });
    await expect(start('other')).rejects.toMatchObject({ code: 'KLR_E_NOT_FOUND' });
    expect(await listCycles(ctx.db)).toEqual([]);
  });

  test('ranks several objectives with equal weights and keeps no winner that another one beats in both', async () => {
    const ctx = await demo({
      objectives: [
        { metric: 'throughput', direction: 'maximize' },
        { metric: 'p99', direction: 'minimize' },
      ],
      guardrails: [],
    });
    const formula: Formula = ({ params }) => ({
      throughput: 100 * (params.mode === 'fast' ? 1.5 : 1),
      p99: 10 / (1 + Number(params.ratio)),
    });
    const result = done(
      await runCycle(ctx, formulaExecutor(ctx, formula), control(), demoRequest(ctx, { trials: 30 })),
    );
    expect(result.winners[0]?.changes).toMatchObject({ mode: 'fast' });
    expect(Number(result.winners[0]?.changes.ratio)).toBeGreaterThan(0.5);
  });
});

type Run = ReturnType<typeof formulaExecutor>['run'];

/** Trials that end after as many turns of the event loop as `turns` says. */
function delayed(run: Run, turns: (trial: TrialRequest) => number): Run {
  return async (trial, options) => {
    for (let i = 0; i < turns(trial); i++) await new Promise((resolve) => setImmediate(resolve));
    return run(trial, options);
  };
}
