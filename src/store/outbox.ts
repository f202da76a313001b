import { join } from 'node:path';
import type { Context } from '../context.ts';
import { writeAtomic } from '../files/write-atomic.ts';
import type { Database } from './database.ts';

/**
 * Inside a transaction: a file in the home that this decision owes. It is written after the transaction, and by the
 * next tick when a crash falls between.
 * @param path relative to the home; a later debt for the same path replaces the earlier one
 */
export async function owe(tx: Database, now: number, path: string, content: string): Promise<void> {
  await tx.run(
    `INSERT INTO outbox (path, content, created_at, written_at) VALUES (?, ?, ?, NULL)
     ON CONFLICT (path) DO UPDATE SET content = excluded.content, created_at = excluded.created_at, written_at = NULL`,
    path,
    content,
    now,
  );
}

/**
 * Writes every owed file, oldest first, and forgets the debt. Returns the paths written.
 * @throws KLR_E_DISK_FULL, KLR_E_HOME_READ_ONLY: what was not written stays owed
 */
export async function deliverOutbox(ctx: Pick<Context, 'db' | 'fs' | 'paths' | 'clock'>): Promise<string[]> {
  const owed = await ctx.db.all<{ path: string; content: string }>(
    'SELECT path, content FROM outbox WHERE written_at IS NULL ORDER BY created_at, path',
  );
  for (const { path, content } of owed) {
    writeAtomic(ctx.fs, join(ctx.paths.root, path), content);
    await ctx.db.run('DELETE FROM outbox WHERE path = ? AND content = ?', path, content);
  }
  return owed.map(({ path }) => path);
}
