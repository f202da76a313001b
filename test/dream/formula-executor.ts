import { defaultParams } from '../../src/config/parameters.ts';
import type { Control, Progress, StopReason } from '../../src/control.ts';
import type { CycleRequest } from '../../src/dream/types.ts';
import type { Executor, TrialRequest, TrialResult, TrialStep } from '../../src/trial/types.ts';
import type { ConfigInput, ExperimentInput } from '../support/context.ts';
import { experimentConfig, seededRandom, type TestContext, testContext } from '../support/context.ts';

/** What a formula says of a trial: metrics, or a word why it failed. */
export type Formula = (trial: TrialRequest) => Record<string, number> | string;

export interface FormulaExecutor extends Executor {
  /** Trials that were started, in order. */
  readonly started: TrialRequest[];
  /** Most trials that were under way at once. */
  readonly most: () => number;
}

interface Options {
  readonly slots?: number;
  readonly durationMs?: number | ((trial: TrialRequest) => number);
  /** Called before each trial with its place; may throw. */
  readonly before?: (place: number) => void;
  readonly steps?: (trial: TrialRequest) => TrialStep[];
}

/**
 * An executor whose trials are a formula of parameters, domain and seed. Trials that are under way together end in an
 * order that depends on their ids, not on their start. Time passes on the virtual clock.
 */
export function formulaExecutor(ctx: TestContext, formula: Formula, options: Options = {}): FormulaExecutor {
  const { slots = 1, durationMs = 100, before, steps } = options;
  const started: TrialRequest[] = [];
  let underWay = 0;
  let most = 0;
  return {
    slots,
    started,
    most: () => most,
    async run(trial, { signal, onStep } = {}) {
      underWay += 1;
      most = Math.max(most, underWay);
      try {
        before?.(started.length);
        started.push(trial);
        const order = Math.floor(seededRandom(trial.seed)() * 5);
        for (let i = 0; i < order; i++) await new Promise((resolve) => setImmediate(resolve));
        const takes = typeof durationMs === 'function' ? durationMs(trial) : durationMs;
        const facts = { steps: [], outputTail: '', startedAt: ctx.clock.now(), durationMs: takes };
        ctx.clock.advance(Math.min(takes, trial.limits.timeout) / slots);
        if (signal?.aborted) return { ...facts, metrics: {}, state: 'stopped', reason: 'aborted' };
        if (takes > trial.limits.timeout)
          return { ...facts, metrics: {}, state: 'failed', failure: 'timeout', reason: 'took too long' };
        return finish(trial, formula(trial), facts, steps?.(trial) ?? [], onStep);
      } finally {
        underWay -= 1;
      }
    },
  };
}

function finish(
  _trial: TrialRequest,
  outcome: Record<string, number> | string,
  facts: Pick<TrialResult, 'outputTail' | 'startedAt' | 'durationMs'>,
  steps: readonly TrialStep[],
  onStep: ((step: TrialStep) => 'go-on' | 'stop') | undefined,
): TrialResult {
  const seen: TrialStep[] = [];
  for (const step of steps) {
    seen.push(step);
    if (onStep?.(step) === 'stop')
      return { ...facts, steps: seen, metrics: step.metrics, state: 'stopped', reason: 'asked to' };
  }
  if (typeof outcome === 'string')
    return { ...facts, steps: seen, metrics: {}, state: 'failed', failure: 'exit', reason: outcome };
  return { ...facts, steps: seen, metrics: outcome, state: 'completed' };
}

export interface TestControl extends Control {
  readonly seen: Progress[];
}

/** A control that lets everything go on unless told otherwise. */
export function control(options: { abort?: AbortSignal; stop?: () => StopReason | null } = {}): TestControl {
  const seen: Progress[] = [];
  return {
    abort: options.abort ?? new AbortController().signal,
    stopReason: options.stop ?? (() => null),
    progress: (progress) => seen.push(progress),
    seen,
  };
}

/** A context with one experiment, `demo`. */
export function demoContext(
  overrides: Partial<ExperimentInput> = {},
  config: Partial<ConfigInput> = {},
): Promise<TestContext> {
  return testContext({ config: { experiments: { demo: experimentConfig(overrides) }, ...config } });
}

export function demoRequest(ctx: TestContext, overrides: Partial<CycleRequest> = {}): CycleRequest {
  const experiment = ctx.config.experiments.demo;
  if (!experiment) throw new Error('the demo experiment is missing');
  return {
    id: 'cycle-1',
    experiment: 'demo',
    origin: { command: 'test' },
    baseline: { version: 0, params: defaultParams(experiment) },
    promotions: [],
    points: [],
    focus: null,
    trials: 12,
    durationMs: 3_600_000,
    seed: 7,
    ...overrides,
  };
}

/** Throughput that grows with the cache, in mode fast and with the ratio near 0.7; p99 that hardly moves. */
export const tunable: Formula = ({ params, domain }) => {
  const { cache, ratio, mode } = params as { cache: number; ratio: number; mode: string };
  const shape = 1 + Math.log2(cache) / 10 - (ratio - 0.7) ** 2 + (mode === 'fast' ? 0.4 : 0);
  return { throughput: (domain === 'write' ? 50 : 100) * shape, p99: 10 + cache / 10_000 };
};

/** Multiplies each metric by 1 ± noise (normal), from the trial's own seed. */
export function noisy(formula: Formula, deviation: number): Formula {
  return (trial) => {
    const metrics = formula(trial);
    if (typeof metrics === 'string') return metrics;
    const random = seededRandom(trial.seed ^ hash(JSON.stringify(trial.params)));
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Object.fromEntries(
      Object.entries(metrics).map(([name, value]) => [name, value * Math.exp(deviation * normal())]),
    );
  };
}

function hash(text: string): number {
  let h = 2166136261;
  for (const c of text) h = Math.imul(h ^ (c.codePointAt(0) ?? 0), 16777619);
  return h >>> 0;
}
