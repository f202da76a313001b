import type { Context } from '../context.ts';

/**
 * Runs an action under a row that says so: when the process dies, the row stays `running` and rule 4 recovers it.
 * @param token the fencing token of the lock that the action runs under
 */
export async function track<T>(
  ctx: Context,
  kind: string,
  token: number,
  work: (id: string) => Promise<T>,
): Promise<T> {
  const started = ctx.clock.now();
  const id = `${kind}-${started.toString(36)}-${token}`;
  await ctx.db.run(
    "INSERT INTO actions (id, kind, state, token, started_at, data) VALUES (?, ?, 'running', ?, ?, '{}')",
    id,
    kind,
    token,
    started,
  );
  const end = (state: 'done' | 'failed') =>
    ctx.db.run('UPDATE actions SET state = ?, ended_at = ? WHERE id = ?', state, ctx.clock.now(), id);
  try {
    const result = await work(id);
    await end('done');
    return result;
  } catch (error) {
    await end('failed');
    throw error;
  }
}
