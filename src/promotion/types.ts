import type { Params } from '../config/parameters.ts';

/**
 * received → screened → accepted → [escrowed → approved] → committed; the others are ends.
 * `received`: valid, not yet measured by a D-REAM cycle. `accepted`: PHASE accepted it and it is not carried out yet.
 */
export type PromotionState = 'received' | 'screened' | 'accepted' | 'escrowed' | 'approved' | TerminalState;
export type TerminalState = 'committed' | 'rejected' | 'refused' | 'expired' | 'superseded';

/** A promotion as the database holds it. */
export interface Promotion {
  /** The `id` inside the file; for v0 `<experiment>:<unix time>`. */
  readonly id: string;
  /** Name of the file in promotions/, e.g. `a.json`; its ACK is `a_ack.json`. */
  readonly file: string;
  /** SHA-256 of the file's bytes, hex. */
  readonly sha256: string;
  readonly schema: 'v0' | 'v1' | 'v2';
  readonly source: 'dream' | 'external';
  readonly experiment: string | null;
  readonly state: PromotionState;
  readonly changes: Params;
  readonly document: Readonly<Record<string, unknown>>;
  readonly baselineVersion: number | null;
  /** Relative gain that the search claimed (0.1: 10 % better). */
  readonly searchScore: number | null;
  /** Relative gain that PHASE measured, shrunken. */
  readonly validatedGain: number | null;
  /** PHASE epochs that left it inconclusive. */
  readonly attempts: number;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly receivedAt: number;
  readonly updatedAt: number;
  readonly terminalAt: number | null;
}

/** A promotion that a D-REAM cycle found, already screened. */
export interface Winner {
  readonly changes: Params;
  /** Relative gain over the baseline, measured in screening. */
  readonly gain: number;
  /** The score by which the search ranked it. */
  readonly fitness: number;
  /** Mean of each objective and guardrail over the domains. */
  readonly objectives: Readonly<Record<string, number>>;
  readonly trials: number;
  readonly screening: Readonly<Record<string, unknown>>;
}
