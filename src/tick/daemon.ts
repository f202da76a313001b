import { type FSWatcher, watch } from 'node:fs';
import type { Context } from '../context.ts';
import type { Progress } from '../control.ts';
import { EXIT, type ExitCode, KlorosError } from '../errors.ts';
import { isTemporary } from '../files/write-atomic.ts';
import { tryLock } from '../lock/acquire.ts';
import { runTick } from './run-tick.ts';
import type { TickResult } from './types.ts';

/** A burst of files is read in one tick, ms. */
const SETTLE_MS = 200;
/** After a tick that could not be recorded (a full disk, say), ms. */
const TROUBLE_PAUSE_MS = 10_000;
/** After an action the next one may follow at once: a verdict is not kept waiting for a minute, ms. */
const FOLLOW_UP_MS = 50;
/** Between two ticks that had nothing to do, ms. */
const LEAST_REST_MS = 1000;
/** Outcomes after which nothing more is due at once. */
const RESTING = new Set([
  'NOOP',
  'REFLECTED',
  'DISABLED',
  'KILLED',
  'LOCKED',
  'ERROR',
  'DREAM_FAILED',
  'PHASE_FAILED',
]);

export interface DaemonOptions {
  /** Ends the daemon: the tick under way stops within seconds. */
  readonly shutdown: AbortSignal;
  /** The home is this daemon's, and the first tick is about to start. */
  readonly onReady?: () => void;
  readonly onTick?: (result: TickResult) => void;
  readonly onTrouble?: (error: unknown) => void;
  readonly onProgress?: (progress: Progress) => void;
}

/** Something to wait for: set by a file drop, reset by the wait. */
function doorbell() {
  let ring: () => void = () => {};
  let rung = false;
  return {
    press: () => {
      rung = true;
      ring();
    },
    async wait(ctx: Context, ms: number, shutdown: AbortSignal): Promise<void> {
      const woken = new AbortController();
      ring = () => woken.abort();
      if (rung) woken.abort();
      await ctx.clock.sleep(ms, AbortSignal.any([shutdown, woken.signal]));
      ring = () => {};
      if (rung) await ctx.clock.sleep(SETTLE_MS, shutdown);
      rung = false;
    },
  };
}

/** Notices drops into the folders that others write to, and the kill switch and mode in the home itself. */
function watchFolders(ctx: Context, onDrop: () => void): FSWatcher[] {
  const own = new Set(['kloros.db', 'kloros.db-wal', 'kloros.db-shm']);
  const drop = (_event: string, name: string | null) => {
    if (name !== null && (own.has(name) || isTemporary(name))) return;
    onDrop();
  };
  return [ctx.paths.root, ctx.paths.intents, ctx.paths.promotions].map((folder) => {
    const watcher = watch(folder, drop);
    // A folder that vanishes is the next tick's to report.
    watcher.on('error', () => {});
    return watcher;
  });
}

/**
 * Ticks once an interval after the last one ended, within a second of a file drop, and at once while there is more to
 * do, until it is shut down. One daemon a home.
 * @returns the exit code: 0 after a shutdown
 * @throws KLR_E_LOCK_HELD when another daemon runs on this home
 */
export async function runDaemon(ctx: Context, options: DaemonOptions): Promise<ExitCode> {
  const { shutdown } = options;
  const attempt = await tryLock(ctx, 'daemon', { purpose: 'kloros run', ttlMs: Number.MAX_SAFE_INTEGER });
  if (!attempt.acquired)
    throw new KlorosError(
      'KLR_E_LOCK_HELD',
      `a daemon runs on this home already (pid ${attempt.holder?.pid})`,
      {
        where: ctx.paths.root,
      },
    );
  const bell = doorbell();
  const watchers = watchFolders(ctx, bell.press);
  ctx.log.event('daemon.started');
  options.onReady?.();
  try {
    while (!shutdown.aborted) {
      const pause = await tickOnce(ctx, options);
      await bell.wait(ctx, pause, shutdown);
    }
    ctx.log.event('daemon.stopped');
    return EXIT.done;
  } finally {
    for (const watcher of watchers) watcher.close();
    attempt.lock.release();
  }
}

/** One tick; how long to rest after it, ms. */
async function tickOnce(ctx: Context, options: DaemonOptions): Promise<number> {
  const { shutdown, onProgress } = options;
  try {
    const result = await runTick(ctx, { shutdown, ...(onProgress ? { onProgress } : {}) });
    options.onTick?.(result);
    if (!RESTING.has(result.outcome)) return FOLLOW_UP_MS;
    const untilNext = result.next.at === null ? Number.POSITIVE_INFINITY : result.next.at - ctx.clock.now();
    return Math.max(LEAST_REST_MS, Math.min(ctx.config.tick.interval, untilNext));
  } catch (error) {
    options.onTrouble?.(error);
    return TROUBLE_PAUSE_MS;
  }
}
