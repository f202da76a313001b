import type { Config } from '../config/schema.ts';
import type { Database } from '../store/database.ts';
import { fromJson } from '../store/json.ts';
import { setMeta } from '../store/meta.ts';

/** How often something failed, and when it may be tried again. Times are ms since the epoch. */
export interface Retry {
  readonly failures: number;
  readonly nextAt: number;
  /** When that was written. */
  readonly since: number;
}

const PREFIX = 'retry:';
/** Pauses double no further than this many times. */
const MOST_DOUBLINGS = 20;

/** The `n`-th pause, from 1, in ms: each is twice the one before. */
export function pauseOf(n: number, rules: Pick<Config['retry'], 'first_pause'>): number {
  return rules.first_pause * 2 ** Math.min(Math.max(0, n - 1), MOST_DOUBLINGS);
}

/** When it may be tried again. The clock may have been set back since: nobody knows how long it has been then. */
const dueAt = ({ nextAt, since }: Retry, now: number): number => (since > now ? now : nextAt);

/** Counts a failure of `key`; the pause doubles each time. `exhausted` when it will not be tried again. */
export async function recordFailure(
  tx: Database,
  key: string,
  now: number,
  rules: Config['retry'],
): Promise<Retry & { exhausted: boolean }> {
  const failures = ((await readRetry(tx, key, now))?.failures ?? 0) + 1;
  const retry: Retry = { failures, nextAt: now + pauseOf(failures, rules), since: now };
  await setMeta(tx, PREFIX + key, JSON.stringify(retry));
  return { ...retry, exhausted: failures >= rules.attempts };
}

/** Not for `pauseMs`, though it did not fail: something it needs is not to be had now. */
export async function putOff(tx: Database, key: string, now: number, pauseMs: number): Promise<void> {
  const failures = (await readRetry(tx, key, now))?.failures ?? 0;
  const retry: Retry = { failures, nextAt: now + pauseMs, since: now };
  await setMeta(tx, PREFIX + key, JSON.stringify(retry));
}

/** What is known of the failures of `key`; null when there were none. */
export async function readRetry(db: Database, key: string, now: number): Promise<Retry | null> {
  const row = await db.get<{ value: string }>('SELECT value FROM meta WHERE key = ?', PREFIX + key);
  if (!row) return null;
  const retry = fromJson<Retry>(row.value);
  return { ...retry, nextAt: dueAt(retry, now) };
}

/** Forgets the failures of `key`: it went well. */
export async function clearFailures(tx: Database, key: string): Promise<void> {
  await tx.run('DELETE FROM meta WHERE key = ?', PREFIX + key);
}

/** The pauses under `prefix` that are known, by the rest of the key: when each may be tried again. */
export async function readPauses(db: Database, prefix: string, now: number): Promise<Record<string, number>> {
  const from = PREFIX + prefix;
  const rows = await db.all<{ key: string; value: string }>(
    'SELECT key, value FROM meta WHERE key >= ? AND key < ?',
    from,
    `${from}\uffff`,
  );
  return Object.fromEntries(
    rows.map((r) => [r.key.slice(from.length), dueAt(fromJson<Retry>(r.value), now)]),
  );
}
