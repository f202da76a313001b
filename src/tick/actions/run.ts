import type { Context } from '../../context.ts';
import type { Progress } from '../../control.ts';
import type { ExitCode } from '../../errors.ts';
import type { Executor } from '../../trial/types.ts';
import type { Outcome } from '../types.ts';

/** What an action works with. */
export interface Run {
  readonly ctx: Context;
  /** The fencing token of the orchestrator lock. */
  readonly token: number;
  /** Aborted when the process is asked to end. */
  readonly shutdown?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Runs trials; made when an action first needs it. */
  executor(): Promise<Executor>;
}

/** What an action came to. */
export interface Done {
  readonly outcome: Outcome;
  readonly reason: string;
  /** When it differs from the outcome's own. */
  readonly exit?: ExitCode;
}
