import type { Context } from '../context.ts';
import { type Breaker, triesAgainAt } from './breaker.ts';
import { readBreaker } from './breaker-store.ts';

export type GovernorContext = Pick<Context, 'config' | 'db' | 'clock' | 'fs' | 'paths' | 'log'>;

/** Why no trial may start. */
export interface Refusal {
  readonly cause: 'disk' | 'rate' | 'breaker' | 'unknown';
  readonly reason: string;
}

/** What the governor allows, and what is used of it. */
export interface GovernorState {
  readonly trialsLastHour: number;
  readonly trialsPerHour: number;
  /** Bytes on the file system of the home; null when it cannot be told. */
  readonly freeDisk: number | null;
  readonly minFreeDisk: number;
  readonly breakers: readonly {
    readonly experiment: string;
    readonly state: Breaker['state'];
    /** Failed trials in a row. */
    readonly failures: number;
    /** When a trial may be tried again, ms since the epoch; null when it is closed. */
    readonly triesAgainAt: number | null;
  }[];
}

export const HOUR_MS = 3_600_000;

function freeDisk({ fs, paths }: Pick<Context, 'fs' | 'paths'>): number | null {
  try {
    const { bavail, bsize } = fs.statfsSync(paths.root);
    return bavail * bsize;
  } catch {
    return null;
  }
}

/** Too little free disk space, or none that can be told. */
export function diskRefusal(ctx: Pick<Context, 'fs' | 'paths' | 'config'>): Refusal | null {
  const free = freeDisk(ctx);
  const floor = ctx.config.governor.min_free_disk;
  if (free === null) return { cause: 'disk', reason: 'the free disk space cannot be told' };
  if (free >= floor) return null;
  return {
    cause: 'disk',
    reason: `${free} bytes are free on the disk of the home, fewer than governor.min_free_disk: ${floor}`,
  };
}

/**
 * Trials that the record says were started in the last hour, and before `before`. Those of a clock that was ahead by
 * an hour at most count as well; those further ahead do not, so that a clock that stepped back stops nothing for longer.
 */
export async function trialsLastHour(
  { db, clock }: Pick<Context, 'db' | 'clock'>,
  before = Number.MAX_SAFE_INTEGER,
): Promise<number> {
  const now = clock.now();
  const row = await db.get<{ count: number }>(
    'SELECT COUNT(*) AS count FROM trials WHERE started_at > ? AND started_at < ?',
    now - HOUR_MS,
    Math.min(now + HOUR_MS, before),
  );
  return Number(row?.count);
}

/** What the governor sees now, for status. */
export async function governorState(ctx: Omit<GovernorContext, 'log'>): Promise<GovernorState> {
  const { governor, experiments } = ctx.config;
  const breakers: GovernorState['breakers'][number][] = [];
  for (const experiment of Object.keys(experiments)) {
    const breaker = await readBreaker(ctx.db, experiment);
    const again =
      breaker.state === 'closed' ? null : triesAgainAt(breaker, governor.breaker, ctx.clock.now());
    breakers.push({ experiment, state: breaker.state, failures: breaker.failures, triesAgainAt: again });
  }
  return {
    trialsLastHour: await trialsLastHour(ctx),
    trialsPerHour: governor.trials_per_hour,
    freeDisk: freeDisk(ctx),
    minFreeDisk: governor.min_free_disk,
    breakers,
  };
}
