import type { Params } from '../config/parameters.ts';
import type { Evaluator, TrialLimits } from '../config/schema.ts';

/** One run of the evaluator with one configuration in one domain, with a seed. */
export interface TrialRequest {
  /** Unique; a path component: [a-z0-9._-]. */
  readonly id: string;
  readonly experiment: string;
  readonly domain: string;
  /** From the configuration of the domain, handed to the evaluator as it is. */
  readonly domainArgs: Readonly<Record<string, unknown>>;
  readonly params: Params;
  /** 32-bit unsigned. */
  readonly seed: number;
  readonly evaluator: Evaluator;
  readonly limits: TrialLimits;
  /** Metrics that must be present and finite for the trial to count as completed. */
  readonly required: readonly string[];
}

/** An intermediate report of a running trial. */
export interface TrialStep {
  readonly step: number;
  readonly metrics: Readonly<Record<string, number>>;
}

export type TrialFailure = 'exit' | 'signal' | 'timeout' | 'cpu' | 'memory' | 'output' | 'metrics' | 'spawn';

interface TrialFacts {
  /** Every finite metric that was reported, last value each; may be partial when the trial did not complete. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly steps: readonly TrialStep[];
  /** The end of what it printed, control characters removed, at most 4 KiB. */
  readonly outputTail: string;
  /** Wall clock, ms since the epoch. */
  readonly startedAt: number;
  /** Monotonic milliseconds. */
  readonly durationMs: number;
  /** Largest resident memory seen in the whole group, bytes; absent when it ended before it was looked at. */
  readonly peakMemory?: number;
}

/** How a trial ended. Expected ends are a union, not exceptions. */
export type TrialResult =
  | (TrialFacts & { readonly state: 'completed' })
  | (TrialFacts & { readonly state: 'failed'; readonly failure: TrialFailure; readonly reason: string })
  /** Ended by KLoROS: early stop, kill switch, window's edge. No evidence for or against its configuration. */
  | (TrialFacts & { readonly state: 'stopped'; readonly reason: string });

/**
 * Runs trials. `slots` calls of `run` may be under way at once; the caller keeps to it. `run` never rejects for what
 * an evaluator does. When `signal` is aborted the whole process group is killed and the result is `stopped`.
 */
export interface Executor {
  readonly slots: number;
  run(
    request: TrialRequest,
    options?: { signal?: AbortSignal; onStep?: (step: TrialStep) => 'go-on' | 'stop' },
  ): Promise<TrialResult>;
}

/** What `evaluate(params, context)` of an evaluator module is given beside the parameters. */
export interface EvaluationContext {
  /** 32-bit unsigned. */
  readonly seed: number;
  readonly domain: string;
  readonly domainArgs: Readonly<Record<string, unknown>>;
  /** A folder of the trial's own, removed when the trial is over. */
  readonly scratch: string;
  /** Tells intermediate metrics, so that a bad trial can be stopped early. */
  report(step: number, metrics: Readonly<Record<string, number>>): void;
  /** Aborted about a second before the process is killed: close what is open. */
  readonly signal: AbortSignal;
}

/** What an evaluator module exports under the name `evaluate`. */
export type Evaluate = (
  params: Params,
  context: EvaluationContext,
) => Readonly<Record<string, number>> | Promise<Readonly<Record<string, number>>>;
