import type { Config } from '../config/schema.ts';
import type { Database } from '../store/database.ts';
import { fromJson } from '../store/json.ts';
import { setMeta } from '../store/meta.ts';

/** How often something failed, and when it may be tried again (ms since the epoch). */
export interface Retry {
  readonly failures: number;
  readonly nextAt: number;
}

const PREFIX = 'retry:';

/** Counts a failure of `key`; the pause doubles each time. `exhausted` when it will not be tried again. */
export async function recordFailure(
  tx: Database,
  key: string,
  now: number,
  rules: Config['retry'],
): Promise<Retry & { exhausted: boolean }> {
  const failures = ((await readRetry(tx, key))?.failures ?? 0) + 1;
  const retry: Retry = { failures, nextAt: now + rules.first_pause * 2 ** Math.min(failures - 1, 20) };
  await setMeta(tx, PREFIX + key, JSON.stringify(retry));
  return { ...retry, exhausted: failures >= rules.attempts };
}

/** Not before `until` (ms since the epoch), though it did not fail: something it needs is not to be had now. */
export async function putOff(tx: Database, key: string, until: number): Promise<void> {
  const failures = (await readRetry(tx, key))?.failures ?? 0;
  await setMeta(tx, PREFIX + key, JSON.stringify({ failures, nextAt: until } satisfies Retry));
}

/** What is known of the failures of `key`; null when there were none. */
export async function readRetry(db: Database, key: string): Promise<Retry | null> {
  const row = await db.get<{ value: string }>('SELECT value FROM meta WHERE key = ?', PREFIX + key);
  return row ? fromJson<Retry>(row.value) : null;
}

/** Forgets the failures of `key`: it went well. */
export async function clearFailures(tx: Database, key: string): Promise<void> {
  await tx.run('DELETE FROM meta WHERE key = ?', PREFIX + key);
}

/** The pauses under `prefix` that are known, by the rest of the key: when each may be tried again. */
export async function readPauses(db: Database, prefix: string): Promise<Record<string, number>> {
  const from = PREFIX + prefix;
  const rows = await db.all<{ key: string; value: string }>(
    'SELECT key, value FROM meta WHERE key >= ? AND key < ?',
    from,
    `${from}\uffff`,
  );
  return Object.fromEntries(rows.map((r) => [r.key.slice(from.length), fromJson<Retry>(r.value).nextAt]));
}
