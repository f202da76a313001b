import type { Context } from '../context.ts';
import type { Database } from '../store/database.ts';
import { canonicalJson, fromJson } from '../store/json.ts';
import { appendEvent } from '../store/ledger.ts';
import type { Baseline } from './types.ts';

/** One look at the health of a watched baseline. `unknown` is no evidence, for or against. */
export interface Check {
  readonly at: number;
  readonly result: 'healthy' | 'unhealthy' | 'unknown';
  readonly reason: string;
}

export interface Watch {
  readonly version: number;
  readonly experiment: string;
  readonly startedAt: number;
  readonly deadline: number;
  readonly nextCheckAt: number;
  /** Milliseconds between two checks. */
  readonly intervalMs: number;
  /** Checks that passed. */
  readonly checks: number;
  /** Checks in a row, up to now, that failed. */
  readonly failures: number;
  /** Checks in a row, up to now, without evidence. */
  readonly unknown: number;
  /** The last twenty. */
  readonly history: readonly Check[];
}

const HISTORY = 20;

type WatchData = Pick<Watch, 'experiment' | 'intervalMs' | 'unknown' | 'history'>;

/**
 * Inside the transaction of a commit: its version is watched from now on. The deadline stands in the database, so that
 * it survives a restart. Watching a version again changes nothing.
 */
export async function startWatch(
  tx: Database,
  ctx: Pick<Context, 'clock' | 'config'>,
  baseline: Pick<Baseline, 'version'>,
  experiment: string,
): Promise<void> {
  const watch = ctx.config.experiments[experiment]?.watch;
  if (!watch) return;
  const now = ctx.clock.now();
  const data: WatchData = { experiment, intervalMs: watch.interval, unknown: 0, history: [] };
  const added = await tx.run(
    `INSERT INTO watches (version, state, started_at, deadline, next_check_at, checks, failures, data)
     VALUES (?, 'watching', ?, ?, ?, 0, 0, ?) ON CONFLICT (version) DO NOTHING`,
    baseline.version,
    now,
    now + watch.duration,
    now + watch.interval,
    canonicalJson(data),
  );
  if (added > 0)
    await appendEvent(tx, {
      ts: now,
      kind: 'watch.started',
      subject: String(baseline.version),
      experiment,
      data: { version: baseline.version, deadline: now + watch.duration },
    });
}

/** The version that is being watched, or null. */
export async function activeWatch(db: Database): Promise<Watch | null> {
  const row = await db.get<{
    version: number;
    started_at: number;
    deadline: number;
    next_check_at: number;
    checks: number;
    failures: number;
    data: string;
  }>("SELECT * FROM watches WHERE state = 'watching' ORDER BY version DESC LIMIT 1");
  if (!row) return null;
  return {
    version: row.version,
    startedAt: row.started_at,
    deadline: row.deadline,
    nextCheckAt: row.next_check_at,
    checks: row.checks,
    failures: row.failures,
    ...fromJson<WatchData>(row.data),
  };
}

/**
 * The watch whose next check is due, or null. A check that lies further ahead than one interval is due as well: the
 * clock was set back.
 */
export async function dueWatch(db: Database, now: number): Promise<Watch | null> {
  const watch = await activeWatch(db);
  if (!watch) return null;
  return watch.nextCheckAt <= now || watch.nextCheckAt > now + watch.intervalMs ? watch : null;
}

/** The watch after one more check, before anything is decided on it. */
export function withCheck(watch: Watch, check: Check): Watch {
  return {
    ...watch,
    nextCheckAt: check.at + watch.intervalMs,
    checks: watch.checks + (check.result === 'healthy' ? 1 : 0),
    failures: { healthy: 0, unhealthy: watch.failures + 1, unknown: watch.failures }[check.result],
    unknown: check.result === 'unknown' ? watch.unknown + 1 : 0,
    history: [...watch.history, check].slice(-HISTORY),
  };
}

/** Writes a watch back; false when it was superseded meanwhile. */
export async function saveWatch(tx: Database, watch: Watch, state: 'watching' | 'ok'): Promise<boolean> {
  const { experiment, intervalMs, unknown, history } = watch;
  const changed = await tx.run(
    `UPDATE watches SET state = ?, next_check_at = ?, checks = ?, failures = ?, data = ?
     WHERE version = ? AND state = 'watching'`,
    state,
    watch.nextCheckAt,
    watch.checks,
    watch.failures,
    canonicalJson({ experiment, intervalMs, unknown, history }),
    watch.version,
  );
  return changed > 0;
}

/** Inside the roll-back's transaction, which superseded the watch: it ended because the version failed. */
export async function failWatch(tx: Database, watch: Watch): Promise<void> {
  const { experiment, intervalMs, unknown, history } = watch;
  await tx.run(
    "UPDATE watches SET state = 'failed', checks = ?, failures = ?, data = ? WHERE version = ?",
    watch.checks,
    watch.failures,
    canonicalJson({ experiment, intervalMs, unknown, history }),
    watch.version,
  );
}
