import { EXIT, type ExitCode } from '../errors.ts';
import type { Outcome } from './types.ts';

/** The exit code of each outcome (design: section 2). An ERROR carries the code of its error instead. */
export const OUTCOME_EXIT: Readonly<Record<Outcome, ExitCode>> = {
  DISABLED: EXIT.disabled,
  KILLED: EXIT.killed,
  LOCKED: EXIT.locked,
  RECOVERED: EXIT.done,
  WATCH_OK: EXIT.done,
  ROLLED_BACK: EXIT.done,
  PHASE_EPOCH: EXIT.done,
  PHASE_FAILED: EXIT.phase,
  PHASE_TIMEOUT: EXIT.timeout,
  BASELINE_COMMIT: EXIT.done,
  ESCROWED: EXIT.done,
  DREAM_CYCLE: EXIT.done,
  DREAM_FAILED: EXIT.dream,
  DREAM_TIMEOUT: EXIT.timeout,
  PROMOTION_REJECTED: EXIT.done,
  INTENT: EXIT.done,
  REFLECTED: EXIT.done,
  NOOP: EXIT.done,
  ERROR: EXIT.internal,
};
