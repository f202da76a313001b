import { isAbsolute, join, normalize } from 'node:path';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { writeAtomic } from '../files/write-atomic.ts';
import type { Database } from './database.ts';

const OWED = 'SELECT path, content FROM outbox ORDER BY seq LIMIT ?';

/**
 * Inside a transaction: a file in the home that this decision owes. It is written after the transaction, and by the
 * next tick when a crash falls between.
 * @param path relative to the home; a later debt for the same path replaces the earlier one
 */
export async function owe(tx: Database, now: number, path: string, content: string): Promise<void> {
  if (isAbsolute(path) || normalize(path) !== path || path.startsWith('..'))
    throw new KlorosError('KLR_E_INTERNAL', `${path} is not a path inside the home`, { where: path });
  await tx.run(
    `INSERT INTO outbox (path, seq, content, created_at)
     VALUES (?, (SELECT COALESCE(MAX(seq), 0) + 1 FROM outbox), ?, ?)
     ON CONFLICT (path) DO UPDATE
     SET seq = excluded.seq, content = excluded.content, created_at = excluded.created_at`,
    path,
    content,
    now,
  );
}

/** How many files are written while the database is held: few enough that nobody waits for long. */
const BATCH = 20;

/**
 * Writes every owed file, in the order of owing, and forgets the debt. Returns the paths written. A batch is written
 * inside a transaction: of two processes that deliver at the same time (a tick, a command), neither writes an older
 * file over a newer one, or a later file before an earlier one.
 * @throws KLR_E_DISK_FULL, KLR_E_HOME_READ_ONLY: what was not written stays owed
 */
export async function deliverOutbox(ctx: Pick<Context, 'db' | 'fs' | 'paths' | 'clock'>): Promise<string[]> {
  const written: string[] = [];
  for (;;) {
    const owed = await ctx.db.all(OWED, 1);
    if (owed.length === 0) return written;
    await ctx.db.transaction(async (tx) => {
      for (const { path, content } of await tx.all<{ path: string; content: string }>(OWED, BATCH)) {
        writeAtomic(ctx.fs, join(ctx.paths.root, path), content);
        await tx.run('DELETE FROM outbox WHERE path = ?', path);
        written.push(path);
      }
    });
  }
}
