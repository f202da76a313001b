import type { Params } from '../config/parameters.ts';
import type { Database } from '../store/database.ts';

/** A version of the baseline. Version 0 is what the configuration declares, before anything was committed. */
export interface Baseline {
  readonly version: number;
  /** SHA-256 of the content; '' for version 0. */
  readonly sha256: string;
  readonly manifestSha256: string;
  readonly previousSha256: string;
  /** baseline.yaml, byte for byte. */
  readonly content: string;
  /** Experiment → complete configuration. */
  readonly params: Readonly<Record<string, Params>>;
  readonly kind: 'initial' | 'promotion' | 'rollback';
  /** The version whose content a roll-back restores (0: the defaults of the configuration). */
  readonly restores: number | null;
  readonly actor: string;
  readonly promotionId: string | null;
  readonly epochId: string | null;
  readonly escrowId: string | null;
  readonly token: number;
  readonly ts: number;
  readonly applyState: 'owed' | 'applied' | 'failed' | 'none';
  readonly appliedAt: number | null;
}

export type CommitResult =
  | { readonly state: 'committed'; readonly baseline: Baseline }
  /** The version that it changes is no longer the one it was validated against. */
  | { readonly state: 'moved'; readonly reason: string };

export type ApplyResult =
  | { readonly state: 'applied'; readonly files: readonly string[] }
  | {
      readonly state: 'failed';
      readonly experiment: string;
      readonly step: 'render' | 'reload' | 'health';
      readonly reason: string;
    };

/** What one look at the health of a watched baseline came to; `unknown` is no evidence, for or against. */
export interface Finding {
  readonly result: 'healthy' | 'unhealthy' | 'unknown';
  readonly reason: string;
}

/**
 * A test of whether a metric is worse after a moment than before it, by pairs of values in the order of time. It holds
 * at whatever look one stops.
 */
export type CompareTimes = (
  pairs: readonly { readonly before: number; readonly after: number }[],
  question: {
    readonly direction: 'minimize' | 'maximize';
    /** Share of the time before that it may be worse. */
    readonly maxRegression: number;
    /** Which look this is, from 0, of so many planned ones. */
    readonly look: number;
    readonly looks: number;
  },
) => {
  /** Shown to be worse by more than the margin. */
  readonly worse: boolean;
  /** Relative effect, positive is better. */
  readonly effect: number;
};

/** What the loop lends to a watch. */
export interface WatchHooks {
  readonly compareTimes: CompareTimes;
  /** Done in the transaction that takes a version back; `after` is the version that replaces it. */
  readonly onTakenBack?: (tx: Database, after: Baseline, reason: string) => Promise<void>;
}

export type WatchResult =
  | { readonly state: 'watching' | 'kept'; readonly version: number; readonly reason: string }
  | {
      readonly state: 'rolled-back';
      readonly version: number;
      readonly reason: string;
      readonly baseline: Baseline;
    };
