import type { Params } from '../config/parameters.ts';

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

export type WatchResult =
  | { readonly state: 'watching' | 'kept'; readonly version: number; readonly reason: string }
  | {
      readonly state: 'rolled-back';
      readonly version: number;
      readonly reason: string;
      readonly baseline: Baseline;
    };
