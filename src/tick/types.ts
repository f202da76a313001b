import type { Progress } from '../control.ts';
import type { ExitCode } from '../errors.ts';
import type { Mode } from '../home/mode.ts';
import type { Executor } from '../trial/types.ts';

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

/** What a person or a command asks for instead of what `decide` would choose; rules 1 to 4 still come first. */
export type Force =
  | { readonly kind: 'dream'; readonly experiment?: string; readonly trials?: number; readonly seed?: number }
  | { readonly kind: 'phase' };

export interface TickOptions {
  /** What a person asks for instead of what `decide` would choose; rules 1 to 4 still come first. */
  readonly force?: Force;
  /** Aborted when the process is asked to end: the action stops within seconds and goes on in a later tick. */
  readonly shutdown?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Runs the trials instead of local processes. */
  readonly executor?: Executor;
}

/** The one action of a tick. */
export type Action =
  | { readonly kind: 'none'; readonly outcome: 'DISABLED' | 'KILLED' | 'LOCKED' | 'NOOP' }
  | { readonly kind: 'recover'; readonly unfinished: readonly string[] }
  | { readonly kind: 'watch'; readonly version: number }
  | { readonly kind: 'phase'; readonly forced: boolean; readonly resume: string | null }
  | { readonly kind: 'carry-out'; readonly settle: Settlement }
  | { readonly kind: 'rejected'; readonly count: number }
  | {
      readonly kind: 'dream';
      readonly experiment: string | null;
      readonly resume: string | null;
      readonly trials?: number;
      readonly seed?: number;
    }
  | { readonly kind: 'intents'; readonly ids: readonly string[] }
  | { readonly kind: 'reflect' };

/** What of the verdicts and decisions is carried out in this tick: all that end a promotion, at most one commit. */
export interface Settlement {
  /** Promotions whose verdict or reviewer said no, or left it open. */
  readonly close: readonly string[];
  /** The one accepted or approved promotion to escrow, or to commit and apply. */
  readonly commit: string | null;
}

/** What `decide` says. */
export interface Decision {
  /** The number of the rule in the table of section 2 of the design; 0 when forced. */
  readonly rule: number;
  readonly action: Action;
  readonly reason: string;
  readonly next: { readonly at: number | null; readonly what: string };
}

/** All that a decision depends on, read once. Times are milliseconds since the Unix epoch. */
export interface Snapshot {
  readonly now: number;
  readonly mode: Mode;
  readonly kill: { readonly set: boolean; readonly reason: string };
  readonly lock: { readonly held: boolean; readonly holder: string };
  /** Actions that a dead process left. */
  readonly unfinished: readonly { readonly id: string; readonly kind: string }[];
  /** The baseline that is being watched. */
  readonly watch: { readonly version: number; readonly nextCheckAt: number } | null;
  readonly phase: {
    readonly due: boolean;
    readonly reason: string;
    /** An epoch of this window, or a forced one, that was paused. */
    readonly resume: { readonly id: string; readonly forced: boolean } | null;
    readonly nextWindowAt: number | null;
    readonly screened: number;
  };
  readonly verdicts: readonly {
    readonly promotionId: string;
    readonly verdict: string;
    readonly gain: number;
  }[];
  /** Escrow entries on which a person decided, or which expired. */
  readonly decisions: readonly { readonly promotionId: string; readonly approved: boolean }[];
  readonly rejectedAtScan: number;
  /** Promotions that are neither acknowledged nor screened, oldest first. */
  readonly received: readonly { readonly id: string; readonly experiment: string }[];
  readonly pausedCycle: { readonly id: string; readonly experiment: string } | null;
  /** Experiments whose last cycle failed: not before these times. */
  readonly dreamPauses: Readonly<Record<string, number>>;
  /** Promotions whose commit failed: not before these times. */
  readonly commitPauses: Readonly<Record<string, number>>;
  /** Intents that may be handled now, highest priority first. */
  readonly intents: readonly string[];
  readonly intentsNextAt: number | null;
  readonly idleSince: number;
  readonly reflectedAt: number;
  readonly limits: {
    readonly intentsPerTick: number;
    readonly idleMs: number;
    readonly reflectEveryMs: number;
    /** A cycle is not started when the window opens sooner than this. */
    readonly shortestCycleMs: number;
  };
}
