import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import type { Database } from '../store/database.ts';
import { appendEvent } from '../store/ledger.ts';
import { getBaseline } from './current.ts';
import { oweFiles, versionFiles } from './files.ts';

export interface Pin {
  readonly version: number;
  readonly note: string;
  readonly actor: string;
  readonly ts: number;
}

type PinContext = Pick<Context, 'db' | 'clock' | 'paths'>;

/**
 * Marks a version as one to keep: retention never prunes it, and its files are owed in case it did already.
 * Pinning again replaces the note.
 * @throws KLR_E_NOT_FOUND
 */
export async function pinVersion(
  ctx: PinContext,
  version: number,
  pin: { readonly note: string; readonly actor: string },
): Promise<void> {
  const ts = ctx.clock.now();
  await ctx.db.transaction(async (tx) => {
    const baseline = await getBaseline(tx, version);
    if (!baseline)
      throw new KlorosError('KLR_E_NOT_FOUND', `there is no baseline v${version}`, { where: `v${version}` });
    await tx.run(
      `INSERT INTO pins (version, note, actor, ts) VALUES (?, ?, ?, ?)
       ON CONFLICT (version) DO UPDATE SET note = excluded.note, actor = excluded.actor, ts = excluded.ts`,
      version,
      pin.note,
      pin.actor,
      ts,
    );
    await oweFiles(tx, ctx, versionFiles(ctx.paths, baseline));
    await appendEvent(tx, {
      ts,
      kind: 'baseline.pinned',
      subject: String(version),
      data: { version, ...pin },
    });
  });
}

/**
 * Takes a pin away.
 * @throws KLR_E_NOT_FOUND
 */
export async function unpinVersion(ctx: PinContext, version: number, actor: string): Promise<void> {
  const ts = ctx.clock.now();
  await ctx.db.transaction(async (tx) => {
    if ((await tx.run('DELETE FROM pins WHERE version = ?', version)) === 0)
      throw new KlorosError('KLR_E_NOT_FOUND', `v${version} is not pinned`, { where: `v${version}` });
    await appendEvent(tx, {
      ts,
      kind: 'baseline.unpinned',
      subject: String(version),
      data: { version, actor },
    });
  });
}

/** Every pin, by version. */
export async function listPins(db: Database): Promise<Pin[]> {
  return db.all<{ version: number; note: string; actor: string; ts: number }>(
    'SELECT version, note, actor, ts FROM pins ORDER BY version',
  );
}
