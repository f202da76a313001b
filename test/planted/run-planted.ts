import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { currentBaseline, listBaselines } from '../../src/baseline/current.ts';
import type { Params } from '../../src/config/parameters.ts';
import { writeMode } from '../../src/home/mode.ts';
import { runTick } from '../../src/tick/run-tick.ts';
import type { Executor } from '../../src/trial/types.ts';
import { normal } from '../phase/formula.ts';
import { experimentConfig, seededRandom, type TestContext, testContext } from '../support/context.ts';
import { HOME, MARGIN, type Planted } from './objectives.ts';

/** Noise of the machine on every metric: one standard deviation, as a share. */
const NOISE = 0.03;
const TRIAL_MS = 1000;
const MINUTE_MS = 60_000;

function executorOf(ctx: TestContext, planted: Planted, seed: number): Executor {
  const random = seededRandom(seed);
  const counts = new Map<string, number>();
  let total = 0;
  return {
    slots: 1,
    run: async ({ id, params, domain }) => {
      const key = JSON.stringify(params);
      const before = counts.get(key) ?? 0;
      counts.set(key, before + 1);
      const draw = { x: Number(params.x), y: Number(params.y), domain, before, total: total++ };
      const found = planted.measure({
        ...draw,
        uniform: random,
        production: id.startsWith('watch-'),
      });
      const facts = { steps: [], outputTail: '', startedAt: ctx.clock.now(), durationMs: TRIAL_MS };
      ctx.clock.advance(TRIAL_MS);
      if (found === null)
        return { ...facts, state: 'failed', failure: 'exit', reason: 'planted', metrics: {} };
      const noisy = Object.entries(found).map(([n, v]) => [n, v * Math.exp(NOISE * normal(random))] as const);
      return { ...facts, state: 'completed', metrics: Object.fromEntries(noisy) };
    },
  };
}

function home(seed: number): Promise<TestContext> {
  const float = (start: number) => ({ type: 'float' as const, low: 0, high: 1, default: start });
  const demo = experimentConfig({
    parameters: { x: float(HOME.x), y: float(HOME.y) },
    guardrails: [{ metric: 'p99', direction: 'minimize', max_regression: MARGIN }],
    budget: { trials: 12, duration: '2h' },
    search: { seed, screen: { top: 3, repeats: 3 }, winners: 2 },
    watch: { duration: '10m', interval: '1m', failures: 2 },
  });
  const governor = { trials_per_hour: 1_000_000, breaker: { failures: 1_000_000 } };
  return testContext({ config: { experiments: { demo }, governor, reflection: { idle: '30d' } }, seed });
}

/** A proposal from outside of what is best to look at, whatever it claims. */
function propose(ctx: TestContext, planted: Planted, seed: number): void {
  const random = seededRandom(seed ^ 0x5eed);
  let params: Params = HOME;
  while (!planted.bad(params)) params = { x: random(), y: random() };
  const document = {
    schema: 'v2',
    id: 'planted',
    timestamp: 1,
    experiment: 'demo',
    fitness: 9,
    changes: params,
  };
  writeFileSync(join(ctx.paths.promotions, 'planted.json'), JSON.stringify(document));
}

export interface PlantedEnd {
  /** Versions whose configuration was bad. */
  readonly bad: number;
  /** What is in force at the end is bad. */
  readonly stays: boolean;
  /** Looks of the watch at a bad version before it was taken back, at most. */
  readonly looks: number;
  readonly versions: number;
}

/** The whole loop on a planted objective: a proposal and two searches, screening, PHASE, commit and watch. */
export async function runPlanted(planted: Planted, seed: number): Promise<PlantedEnd> {
  const ctx = await home(seed);
  try {
    const executor = executorOf(ctx, planted, seed);
    await writeMode(ctx, 'enabled', 'test');
    propose(ctx, planted, seed);
    for (let round = 0; round < 2; round++) {
      await runTick(ctx, { executor });
      await runTick(ctx, { executor, force: { kind: 'dream' } });
      await runTick(ctx, { executor, force: { kind: 'phase' } });
      for (let tick = 0; tick < 40; tick++) {
        const { outcome } = await runTick(ctx, { executor });
        ctx.clock.advance(MINUTE_MS);
        const watched = await ctx.db.get("SELECT version FROM watches WHERE state = 'watching'");
        if (outcome === 'NOOP' && !watched) break;
      }
    }
    const inForce = (await currentBaseline(ctx.db, ctx.config)).params.demo ?? HOME;
    const versions = await listBaselines(ctx.db);
    const bad = versions.filter((v) => v.kind === 'promotion' && planted.bad(v.params.demo ?? HOME));
    const failed = await ctx.db.all<{ n: number }>(
      "SELECT failures AS n FROM watches WHERE state IN ('failed', 'superseded')",
    );
    return {
      bad: bad.length,
      stays: planted.bad(inForce),
      looks: Math.max(0, ...failed.map(({ n }) => n)),
      versions: versions.length,
    };
  } finally {
    await ctx.cleanup();
  }
}
