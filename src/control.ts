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
  /** What is going on: search, screen, measure, … */
  readonly stage: string;
  readonly done: number;
  readonly total: number;
  /** Milliseconds left, as far as known. */
  readonly leftMs: number | null;
  /** What is being tried, and the best so far, in words. */
  readonly message: string;
}

/** How the tick keeps hold of an action that takes minutes or hours. */
export interface Control {
  /** Aborted when everything has to end at once (kill switch, shutdown): running trials are killed. */
  readonly abort: AbortSignal;
  /** Asked before each trial starts: null to go on, or why the action is to end or pause at this boundary. */
  stopReason(): StopReason | null;
  progress(progress: Progress): void;
}
