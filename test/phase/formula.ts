import type { Params } from '../../src/config/parameters.ts';
import type { Control, Progress, StopReason } from '../../src/control.ts';
import type { EpochRequest } from '../../src/phase/types.ts';
import type { Executor, TrialRequest, TrialResult } from '../../src/trial/types.ts';
import { type ConfigInput, experimentConfig, seededRandom, type VirtualClock } from '../support/context.ts';

export const BASE: Params = { cache: 8, ratio: 0.5, mode: 'slow', compress: false };

/** Standard normal (Box and Muller). */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Noise that is fixed by the trial, so that a run that was interrupted sees the same. */
function noiseOf(request: TrialRequest): () => number {
  const random = seededRandom(
    [...request.id].reduce((hash, c) => (hash * 31 + c.charCodeAt(0)) >>> 0, request.seed),
  );
  return () => normal(random);
}

type Outcome = Record<string, number> | { failed: string };

/** An executor that computes metrics by a formula, a second of virtual time each, and keeps what it was asked. */
export class FormulaExecutor implements Executor {
  readonly slots = 2;
  readonly asked: TrialRequest[] = [];
  readonly #clock: VirtualClock;
  readonly #formula: (request: TrialRequest, noise: () => number) => Outcome;
  /** Called before each trial: throws for a process that dies there. */
  before: (request: TrialRequest) => void = () => {};
  readonly ms: number;

  constructor(
    clock: VirtualClock,
    formula: (request: TrialRequest, noise: () => number) => Outcome = usual,
    ms = 1000,
  ) {
    this.#clock = clock;
    this.#formula = formula;
    this.ms = ms;
  }

  async run(request: TrialRequest, options?: { signal?: AbortSignal }): Promise<TrialResult> {
    this.before(request);
    this.asked.push(request);
    const facts = { steps: [], outputTail: '', startedAt: this.#clock.now() };
    if (options?.signal?.aborted)
      return { ...facts, state: 'stopped', reason: 'aborted', metrics: {}, durationMs: 0 };
    const durationMs = Math.min(this.ms, request.limits.timeout);
    this.#clock.advance(durationMs);
    if (durationMs < this.ms)
      return { ...facts, state: 'failed', failure: 'timeout', reason: 'timeout', metrics: {}, durationMs };
    const outcome = this.#formula(request, noiseOf(request));
    if ('failed' in outcome && typeof outcome.failed === 'string')
      return { ...facts, state: 'failed', failure: 'exit', reason: outcome.failed, metrics: {}, durationMs };
    return { ...facts, state: 'completed', metrics: outcome as Record<string, number>, durationMs };
  }
}

/** `mode: fast` is three times as fast; the noise is 5 % of the throughput and 10 % of p99. */
export function usual({ params }: TrialRequest, noise: () => number): Record<string, number> {
  const speed = params.mode === 'fast' ? 3 : 1;
  return {
    throughput: 7000 * speed * Math.exp(0.05 * noise()),
    p99: (5 / Math.sqrt(speed)) * Math.exp(0.1 * noise()),
  };
}

/** A control that a test turns: set `reason`, or abort. */
export function control(): Control & { reason: StopReason | null; stop: AbortController; seen: Progress[] } {
  const stop = new AbortController();
  const self = {
    reason: null as StopReason | null,
    stop,
    seen: [] as Progress[],
    abort: stop.signal,
    stopReason: () => self.reason,
    progress: (progress: Progress) => {
      self.seen.push(progress);
    },
  };
  return self;
}

/** A small epoch: three domains, two slices of three blocks. */
export function smallConfig(over: Partial<ConfigInput> = {}): Partial<ConfigInput> {
  return {
    experiments: { demo: experimentConfig({ domains: { read: {}, write: {}, mixed: {} } }) },
    phase: { slices: 2, replicas: 3, window: { start: '10:00', end: '14:00', zone: 'UTC' } },
    ...over,
  };
}

export function request(over: Partial<EpochRequest> = {}): EpochRequest {
  return {
    id: 'phase-1',
    date: '2026-06-15',
    forced: false,
    endsAt: Date.UTC(2026, 5, 15, 14),
    baseline: { version: 0, params: { demo: BASE } },
    candidates: [
      { promotionId: 'good', experiment: 'demo', params: { ...BASE, mode: 'fast' }, searchScore: 2.5 },
      { promotionId: 'same', experiment: 'demo', params: { ...BASE, cache: 9 }, searchScore: 0.02 },
    ],
    checkOnly: [],
    seed: 42,
    ...over,
  };
}
