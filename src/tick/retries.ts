import type { Config } from '../config/schema.ts';
import type { Database } from '../store/database.ts';
import { fromJson } from '../store/json.ts';

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
  const before = await tx.get<{ value: string }>('SELECT value FROM meta WHERE key = ?', PREFIX + key);
  const failures = (before ? fromJson<Retry>(before.value).failures : 0) + 1;
  const retry: Retry = { failures, nextAt: now + rules.first_pause * 2 ** Math.min(failures - 1, 20) };
  await tx.run(
    'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    PREFIX + key,
    JSON.stringify(retry),
  );
  return { ...retry, exhausted: failures >= rules.attempts };
}

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
