import { join } from 'node:path';
import type { Context } from '../context.ts';
import { sweepTemporary } from '../files/write-atomic.ts';
import type { Database } from '../store/database.ts';
import { versionOfName } from './manifest.ts';

/** What is kept, read from the database at one moment. */
export interface Kept {
  readonly current: number;
  /** How many of the newest versions stay. */
  readonly newest: number;
  /** Pinned, watched, or what a waiting approval changes; the version that each of them may go back to stays too. */
  readonly needed: ReadonlySet<number>;
}

/** Whether the files of a version have to stay. The version in force and the one before it always do. */
export function isKept(version: number, { current, newest, needed }: Kept): boolean {
  return version > current - Math.max(newest, 2) || needed.has(version);
}

/** What retention has to keep at this moment. */
export async function readKept(db: Database, newest: number): Promise<Kept> {
  const top = await db.get<{ version: number | null }>('SELECT MAX(version) AS version FROM baselines');
  const rows = await db.all<{ version: number }>(
    `SELECT version FROM pins
     UNION SELECT version FROM watches WHERE state = 'watching'
     UNION SELECT version - 1 FROM watches WHERE state = 'watching'
     UNION SELECT base_version FROM escrow WHERE state IN ('waiting', 'approved')`,
  );
  return { current: top?.version ?? 0, newest, needed: new Set(rows.map(({ version }) => version)) };
}

/**
 * Removes the files of old versions, and what a crash left in the folder; call it under the baseline lock. Kept are
 * the newest `retention.baselines`, the version in force, the one before, and those pinned, watched, or
 * changed by a waiting approval. The database keeps every version: the chain still verifies, any can be restored.
 * @returns the versions whose files are gone now
 */
export async function pruneBaselines(
  ctx: Pick<Context, 'db' | 'fs' | 'paths' | 'config'>,
): Promise<number[]> {
  const folder = ctx.paths.baselineVersions;
  sweepTemporary(ctx.fs, folder);
  sweepTemporary(ctx.fs, ctx.paths.baseline);
  if (!ctx.fs.existsSync(folder)) return [];
  const kept = await readKept(ctx.db, ctx.config.retention.baselines);
  const pruned = new Set<number>();
  for (const name of ctx.fs.readdirSync(folder)) {
    const version = versionOfName(name);
    // A number that the database does not know is evidence of a lost database, never rubbish.
    if (version === null || version > kept.current || isKept(version, kept)) continue;
    ctx.fs.unlinkSync(join(folder, name));
    pruned.add(version);
  }
  return [...pruned].sort((a, b) => a - b);
}
