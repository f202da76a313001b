import type { Params } from '../config/parameters.ts';
import type { TrialRecord } from './cycle-store.ts';
import type { Score } from './score.ts';

/** A configuration that the search tried. */
export interface Evaluated {
  readonly params: Params;
  /** failed: the evaluator could not measure it. stopped: cut short, as it could not become one of the better half. */
  readonly state: 'completed' | 'failed' | 'stopped';
  /** Null when it failed, or was stopped within its first trial. */
  readonly score: Score | null;
  readonly trials: readonly TrialRecord[];
}
