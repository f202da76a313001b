import { dueWatch } from '../baseline/watch-store.ts';
import type { Context } from '../context.ts';
import type { Control, Progress, StopReason } from '../control.ts';
import { readKill } from '../home/killswitch.ts';
import { readMode } from '../home/mode.ts';

/** How often a running action's surroundings are looked at, ms: a kill switch stops a trial within five seconds. */
const LOOK_EVERY_MS = 500;

/** These end an action at once; the others let the trial under way finish. */
const AT_ONCE: readonly StopReason[] = ['killed', 'shutdown'];

export interface Supervision {
  readonly control: Control;
  /** Why the action was asked to stop, null when it was not. */
  stopped(): StopReason | null;
  dispose(): void;
}

interface Surroundings {
  /** The wall clock time at which the action has to be over (the window's edge), ms since the epoch. */
  readonly endsAt: number | null;
  /** The baseline version that the action works against: an emergency roll-back moves it. */
  readonly baselineVersion: number | null;
  /** Aborted when the process is asked to end. */
  readonly shutdown?: AbortSignal | undefined;
  /** Whether a due watch ends the action; not while that watch is the action. Default true. */
  readonly watches?: boolean;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** The first reason to stop that holds now, by urgency. */
async function look(ctx: Context, around: Surroundings): Promise<StopReason | null> {
  if (readKill(ctx.paths, ctx.fs).set) return 'killed';
  if (readMode(ctx) !== 'enabled') return 'mode';
  const now = ctx.clock.now();
  if (around.endsAt !== null && now >= around.endsAt) return 'window-edge';
  if (around.baselineVersion !== null) {
    const top = await ctx.db.get<{ version: number | null }>('SELECT MAX(version) AS version FROM baselines');
    if ((top?.version ?? 0) !== around.baselineVersion) return 'rollback';
  }
  if (around.watches === false) return null;
  return (await dueWatch(ctx.db, now)) ? 'watch-due' : null;
}

/**
 * Keeps hold of an action that takes minutes or hours: looks at the kill switch, the mode, the window's edge, due
 * watches and the baseline while it runs, and asks it to stop. Call `dispose` when the action ended.
 */
export function supervise(ctx: Context, around: Surroundings): Supervision {
  const abort = new AbortController();
  let reason: StopReason | null = null;
  const stop = (why: StopReason) => {
    if (reason === null || (AT_ONCE.includes(why) && !AT_ONCE.includes(reason))) reason = why;
    if (AT_ONCE.includes(why)) abort.abort(why);
  };
  const onShutdown = () => stop('shutdown');
  if (around.shutdown?.aborted) onShutdown();
  around.shutdown?.addEventListener('abort', onShutdown, { once: true });
  let looking = false;
  const timer = setInterval(async () => {
    if (looking) return;
    looking = true;
    try {
      const why = await look(ctx, around);
      if (why) stop(why);
    } catch (error) {
      // A home that cannot be read any more is no reason to go on unsupervised.
      ctx.log.event('tick.unsupervised', { reason: String(error) });
      stop('cancelled');
    } finally {
      looking = false;
    }
  }, LOOK_EVERY_MS);
  return {
    control: {
      abort: abort.signal,
      // Asked before each trial: none starts once the switch is set, however short ago.
      stopReason: () => {
        if (readKill(ctx.paths, ctx.fs).set) stop('killed');
        return reason;
      },
      progress: (progress) => around.onProgress?.(progress),
    },
    stopped: () => reason,
    dispose: () => {
      clearInterval(timer);
      around.shutdown?.removeEventListener('abort', onShutdown);
    },
  };
}
