import type { Params } from '../config/parameters.ts';
import type { Winner } from '../promotion/types.ts';

/** What a cycle is to do. */
export interface CycleRequest {
  readonly id: string;
  readonly experiment: string;
  /** Why it runs: promotion ids, intent id or command, for the record. */
  readonly origin: Readonly<Record<string, unknown>>;
  /** The baseline that it searches from. */
  readonly baseline: { readonly version: number; readonly params: Params };
  /** Unscreened promotions: complete configurations, measured again beside the baseline whatever the search finds. */
  readonly promotions: readonly { readonly id: string; readonly params: Params }[];
  /** Tried early: earlier winners, what heuristics suggest. */
  readonly points: readonly Params[];
  /** From heuristics: the box to search first, per parameter; null for the whole space. */
  readonly focus: Readonly<Record<string, { readonly low: number; readonly high: number }>> | null;
  readonly trials: number;
  readonly durationMs: number;
  /** 32-bit unsigned. */
  readonly seed: number;
}

export interface CycleSummary {
  readonly evaluated: number;
  readonly failed: number;
  readonly stopped: number;
  /** Best relative gain in screening, or null when nothing beat the baseline. */
  readonly bestGain: number | null;
  readonly best: Params | null;
  readonly baselineMetrics: Readonly<Record<string, number>>;
  readonly diversity: number;
}

/** How a cycle ended. A paused one is resumed under the same id from its last finished trial. */
export type CycleResult =
  | {
      readonly state: 'done';
      readonly reason: string;
      readonly summary: CycleSummary;
      readonly winners: readonly Winner[];
      /** Promotions found worth validating. */
      readonly screened: readonly {
        readonly id: string;
        readonly gain: number;
        readonly screening: Readonly<Record<string, unknown>>;
      }[];
      /** Promotions that are not, and why. */
      readonly rejected: readonly { readonly id: string; readonly reason: string }[];
    }
  | { readonly state: 'paused'; readonly reason: string }
  | { readonly state: 'failed' | 'timeout'; readonly reason: string };
