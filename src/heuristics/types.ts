import type { Params } from '../config/parameters.ts';

/** Where the next cycle of an experiment should look. */
export interface SearchAdvice {
  readonly points: readonly Params[];
  readonly focus: Readonly<Record<string, { readonly low: number; readonly high: number }>> | null;
  /** Why, in words. */
  readonly reason: string;
}

/** An intent that idle reflection drops, with its evidence. */
export interface Reflection {
  readonly type: 'trigger_dream' | 'trigger_phase';
  readonly experiment: string;
  /** Never twice for the same cause. */
  readonly cause: string;
  readonly reason: string;
  readonly priority: number;
  /** What it was seen by. */
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly data: Readonly<Record<string, unknown>>;
}
