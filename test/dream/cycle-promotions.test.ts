import { afterEach, describe, expect, test } from 'vitest';
import type { Params } from '../../src/config/parameters.ts';
import { resumeCycle, runCycle } from '../../src/dream/cycle.ts';
import { showCycle } from '../../src/dream/records.ts';
import type { CycleRequest, CycleResult } from '../../src/dream/types.ts';
import type { TestContext } from '../support/context.ts';
import {
  control,
  demoContext,
  demoRequest,
  type Formula,
  formulaExecutor,
  noisy,
  tunable,
} from './formula-executor.ts';

const open: TestContext[] = [];
afterEach(async () => {
  for (const ctx of open.splice(0)) await ctx.cleanup();
});

async function run(
  formula: Formula,
  promotions: (base: Params) => Record<string, Params>,
  overrides: Partial<CycleRequest> = {},
  durationMs = 100,
): Promise<{ ctx: TestContext; result: CycleResult; request: CycleRequest }> {
  const ctx = await demoContext();
  open.push(ctx);
  const base = demoRequest(ctx, { trials: 8, ...overrides });
  const given = Object.entries(promotions(base.baseline.params)).map(([id, params]) => ({ id, params }));
  const request = { ...base, promotions: given };
  const executor = formulaExecutor(ctx, formula, { durationMs });
  return { ctx, request, result: await runCycle(ctx, executor, control(), request) };
}

function answers(result: CycleResult) {
  if (result.state !== 'done') throw new Error(`${result.state}: ${result.reason}`);
  return {
    screened: result.screened.map(({ id }) => id),
    rejected: Object.fromEntries(result.rejected.map(({ id, reason }) => [id, reason])),
    winners: result.winners.map(({ changes }) => changes),
  };
}

describe('a promotion given to a cycle', () => {
  test('is tried first, measured again, and screened when it is better than the baseline', async () => {
    const { ctx, result } = await run(tunable, (base) => ({ good: { ...base, cache: 256 } }));
    expect(answers(result).screened).toEqual(['good']);
    const { trials } = await showCycle(ctx.db, 'cycle-1');
    expect(trials.find(({ role }) => role === 'search')?.params).toMatchObject({ cache: 256 });
    expect(trials.filter(({ subject }) => subject === 'good').length).toBe(6);
    const [screened] = result.state === 'done' ? result.screened : [];
    expect(screened?.gain).toBeGreaterThan(0.3);
    expect(screened?.screening).toMatchObject({ pairs: 6, domains: { read: expect.any(Number) } });
  });

  test('is rejected with the reason when it is worse, breaks a guardrail, fails, equals the baseline or is unsound', async () => {
    const formula: Formula = (trial) => {
      if (trial.params.compress === true) return 'compression is not built in';
      const metrics = tunable(trial);
      return trial.params.cache === 1024 && typeof metrics !== 'string' ? { ...metrics, p99: 12 } : metrics;
    };
    const { result } = await run(formula, (base) => ({
      worse: { ...base, cache: 1 },
      cheater: { ...base, cache: 1024 },
      failing: { ...base, compress: true },
      same: base,
      unsound: { ...base, cache: 5000 },
      partial: { cache: 8 },
    }));
    const { screened, rejected } = answers(result);
    expect(screened).toEqual([]);
    expect(rejected).toEqual({
      worse: expect.stringMatching(/^it is [\d.]+ % worse than the baseline/),
      cheater: expect.stringContaining('breaks a guardrail: p99 in'),
      failing: expect.stringContaining('compression is not built in'),
      same: expect.stringContaining('equals the baseline'),
      unsound: expect.stringContaining('above its maximum'),
      partial: expect.stringContaining('has no value'),
    });
  });

  test('that equals another one is answered with it, and is no winner of the search beside', async () => {
    const { result } = await run(
      tunable,
      (base) => ({ a: { ...base, mode: 'fast' }, b: { ...base, mode: 'fast' } }),
      { trials: 1 },
    );
    expect(answers(result)).toMatchObject({ screened: ['a', 'b'], winners: [] });
  });

  test('is always screened or rejected, whatever the noise and however many there are', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const flaky: Formula = (trial) => (trial.seed % 11 === 0 ? 'flaky' : noisy(tunable, 0.1)(trial));
      const many = (base: Params) =>
        Object.fromEntries(
          Array.from({ length: seed * 2 }, (_, i) => [`p${i}`, { ...base, cache: 1 + ((i * 37) % 1024) }]),
        );
      const { result, request } = await run(flaky, many, { seed, durationMs: 20_000 });
      if (result.state !== 'done') {
        // The baseline itself may be what the flaky evaluator cannot measure: nothing is answered then.
        expect(result.reason, `seed ${seed}`).toMatch(/^the baseline/);
        continue;
      }
      const { screened, rejected } = answers(result);
      expect([...screened, ...Object.keys(rejected)].toSorted(), `seed ${seed}`).toEqual(
        request.promotions.map(({ id }) => id).toSorted(),
      );
    }
  });

  test('that does not fit into the budget is rejected with what the search measured; the best are screened', async () => {
    const { result } = await run(
      tunable,
      (base) =>
        Object.fromEntries([1, 2, 4, 16, 32, 64, 128, 256].map((cache) => [`c${cache}`, { ...base, cache }])),
      { durationMs: 6_000, trials: 10 },
    );
    const { screened, rejected } = answers(result);
    expect(screened.length).toBeGreaterThan(0);
    expect(screened).toContain('c256');
    expect(Object.keys(rejected).length).toBe(8 - screened.length);
    expect(Object.values(rejected).join('\n')).toMatch(/the time budget allows to measure \d+ again/);
  });

  test('keeps its place in the screening when the process dies there and time has passed', async () => {
    const ctx = await demoContext();
    open.push(ctx);
    const base = demoRequest(ctx, { trials: 10, durationMs: 6_000 });
    const promotions = [1, 2, 4, 16, 32, 64, 128, 256].map((cache) => ({
      id: `c${cache}`,
      params: { ...base.baseline.params, cache },
    }));
    const request = (id: string) => ({ ...base, id, promotions });
    const whole = await runCycle(ctx, formulaExecutor(ctx, tunable), control(), request('whole'));
    const before = (place: number) => {
      if (place === 40) throw new Error('killed');
    };
    const killed = runCycle(ctx, formulaExecutor(ctx, tunable, { before }), control(), request('killed'));
    await expect(killed).rejects.toThrow('killed');
    expect(await resumeCycle(ctx, formulaExecutor(ctx, tunable), control(), 'killed')).toEqual(whole);
  });
});
