import type { ExitCode } from '../errors.ts';

export type Mode = 'disabled' | 'observe' | 'enabled';

/** How a tick ended. A closed list: an outcome is a metric label, a log field and an exit code. */
export type Outcome =
  | 'DISABLED'
  | 'KILLED'
  | 'LOCKED'
  | 'RECOVERED'
  | 'WATCH_OK'
  | 'ROLLED_BACK'
  | 'PHASE_EPOCH'
  | 'PHASE_FAILED'
  | 'PHASE_TIMEOUT'
  | 'BASELINE_COMMIT'
  | 'ESCROWED'
  | 'DREAM_CYCLE'
  | 'DREAM_FAILED'
  | 'DREAM_TIMEOUT'
  | 'PROMOTION_REJECTED'
  | 'INTENT'
  | 'REFLECTED'
  | 'NOOP'
  | 'ERROR';

/** What a tick came to. */
export interface TickResult {
  readonly outcome: Outcome;
  readonly exit: ExitCode;
  /** Why, in words. */
  readonly reason: string;
  /** When something is due next (ms since the epoch), and what, in words. */
  readonly next: { readonly at: number | null; readonly what: string };
  readonly durationMs: number;
}

/** Why a running action is asked to stop. */
export type StopReason =
  | 'killed'
  | 'mode'
  | 'watch-due'
  | 'rollback'
  | 'window-edge'
  | 'budget'
  | 'shutdown'
  | 'cancelled';

/** Progress of a long action, for stderr, the daemon and `status`. */
export interface Progress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** Milliseconds left, as far as known. */
  readonly leftMs: number | null;
  readonly message: string;
}
