import type { Params } from '../config/parameters.ts';
import type { Parameter } from '../config/schema.ts';

export type EscrowState = 'waiting' | 'approved' | 'rejected' | 'expired' | 'used' | 'void';

/** How far a parameter may go alone: what the configuration may grant, and `frozen`, which it cannot. */
export type Autonomy = Parameter['autonomy'] | 'frozen';

/** Who approved, of one or two. */
export interface Approval {
  readonly reviewer: string;
  readonly reason: string;
  /** ms since the epoch. */
  readonly ts: number;
}

/** An accepted promotion that waits for a person. */
export interface EscrowEntry {
  readonly id: string;
  readonly promotionId: string;
  /** SHA-256 of the change and the version it changes: what a person approves. */
  readonly contentSha256: string;
  readonly baseVersion: number;
  readonly state: EscrowState;
  /** Which rules ask for a person, in words. */
  readonly reasons: readonly string[];
  /** The change, its evidence and its gain. */
  readonly document: Readonly<Record<string, unknown>>;
  /** Who proposed the change: the service's own user for what a search found. */
  readonly requester: string;
  readonly requestedAt: number;
  readonly expiresAt: number;
  /** With four eyes the first of two is here while the entry still waits. */
  readonly approvals: readonly Approval[];
  readonly reviewer: string | null;
  readonly reason: string | null;
  readonly decidedAt: number | null;
  /** When the notification command was told of it; null: not yet, or there is none. */
  readonly toldAt: number | null;
}

/** How far one parameter may go alone is not what the configuration says: it was taken away, or given back since. */
export interface Demotion {
  readonly experiment: string;
  readonly parameter: string;
  readonly level: Autonomy;
  readonly reason: string;
  /** The baseline version that gave cause; null when a person raised it. */
  readonly version: number | null;
  readonly actor: string;
  /** ms since the epoch. */
  readonly ts: number;
}

/** A version of the baseline as far as one experiment is concerned. */
export interface PastVersion {
  readonly version: number;
  readonly ts: number;
  readonly kind: 'initial' | 'promotion' | 'rollback';
  readonly params: Params;
}
