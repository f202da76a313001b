export type EscrowState = 'waiting' | 'approved' | 'rejected' | 'expired' | 'used' | 'void';

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
  readonly requestedAt: number;
  readonly expiresAt: number;
  readonly reviewer: string | null;
  readonly reason: string | null;
  readonly decidedAt: number | null;
}
