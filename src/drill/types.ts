import type { Experiment } from '../config/schema.ts';
import type { Executor } from '../trial/types.ts';
import type { Plant } from './plants.ts';
import type { Sandbox } from './sandbox.ts';

/** How a planted promotion was dealt with. */
export interface Gate {
  /** Which gate has to hold: scan, screening, PHASE, escrow, commit. */
  readonly gate: 'scan' | 'screening' | 'PHASE' | 'escrow' | 'commit';
  /** What was planted, in words. */
  readonly planted: string;
  /** held: it was blocked; the control passed. open: it was not. skipped: it cannot be planted here. */
  readonly state: 'held' | 'open' | 'skipped';
  /** What happened, in words. */
  readonly found: string;
}

export interface DrillResult {
  readonly schema: 'kloros.drill/v1';
  readonly experiment: string;
  /** Nothing is open. */
  readonly passed: boolean;
  readonly gates: readonly Gate[];
  readonly durationMs: number;
}

/** What the gates of one drill share. */
export interface Drill extends Sandbox {
  readonly name: string;
  readonly experiment: Experiment;
  readonly plants: readonly Plant[];
  readonly executor: Executor;
}
