import type { Context } from '../context.ts';
import { isDiskTrouble } from './trouble.ts';

interface Tracked {
  readonly kind: string;
  /** Why it runs, for `status`. */
  readonly reason: string;
  /** The fencing token of the lock that it runs under. */
  readonly token: number;
}

/**
 * Runs an action under a row that says so: when the process dies, the row stays `running` and rule 4 recovers it.
 */
export async function track<T>(
  ctx: Context,
  { kind, reason, token }: Tracked,
  work: (id: string) => Promise<T>,
): Promise<T> {
  const started = ctx.clock.now();
  const id = `${kind}-${started.toString(36)}-${token}`;
  await ctx.db.transaction((tx) =>
    tx.run(
      "INSERT INTO actions (id, kind, state, token, started_at, data) VALUES (?, ?, 'running', ?, ?, ?)",
      id,
      kind,
      token,
      started,
      JSON.stringify({ reason }),
    ),
  );
  const end = (state: 'done' | 'failed') =>
    ctx.db.transaction((tx) =>
      tx.run('UPDATE actions SET state = ?, ended_at = ? WHERE id = ?', state, ctx.clock.now(), id),
    );
  try {
    const result = await work(id);
    await end('done');
    return result;
  } catch (error) {
    // Then it did not come to its end, and rule 4 finishes or undoes it.
    if (!isDiskTrouble(error)) await end('failed');
    throw error;
  }
}
