import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import type { FileSystem } from '../files/filesystem.ts';
import { readDropped } from '../files/read-safe.ts';
import { explainFileError, writeAtomic } from '../files/write-atomic.ts';
import { appendEvent } from '../store/ledger.ts';
import type { HomePaths } from './paths.ts';

export interface KillState {
  readonly set: boolean;
  /** The text of the file, or why it could not be read; '' when not set. */
  readonly reason: string;
}

type KillContext = Pick<Context, 'paths' | 'fs' | 'db' | 'clock'>;

/** Whether the kill switch is set. Only a file that is certainly not there is not set. */
export function readKill(paths: Pick<HomePaths, 'killswitch'>, fs: FileSystem): KillState {
  const read = readDropped(fs, paths.killswitch, { maxBytes: 64 * 1024 });
  if (read.ok) return { set: true, reason: read.text.trim().slice(0, 500) || 'no reason given' };
  if (read.code === 'missing') return { set: false, reason: '' };
  return { set: true, reason: `the kill switch cannot be read, so it counts as set: ${read.reason}` };
}

/**
 * Sets the kill switch with the file alone: needs neither a database nor a configuration, so that it works when they
 * are what is broken. On a full disk the file is there without its reason.
 * @throws KLR_E_DISK_FULL, KLR_E_HOME_READ_ONLY when it is not set afterwards
 */
export function raiseKill(paths: Pick<HomePaths, 'killswitch'>, fs: FileSystem, reason: string): void {
  try {
    writeAtomic(fs, paths.killswitch, `${reason}\n`);
  } catch (error) {
    if (readKill(paths, fs).set) return;
    try {
      fs.closeSync(fs.openSync(paths.killswitch, 'a', 0o600));
    } catch {
      throw error;
    }
  }
}

/** Sets the kill switch, then records it: the effect does not wait for the ledger. */
export async function setKill(ctx: KillContext, reason: string, actor: string): Promise<void> {
  raiseKill(ctx.paths, ctx.fs, reason);
  await ctx.db.transaction(async (tx) => {
    await appendEvent(tx, {
      ts: ctx.clock.now(),
      kind: 'kill.set',
      subject: 'killswitch',
      data: { reason, actor },
    });
  });
}

/**
 * Records that the kill switch is cleared, then clears it: after a crash in between it is still set. False when it was
 * not set.
 * @throws KLR_E_HOME_UNSAFE when what stands there is not a file
 */
export async function clearKill(ctx: KillContext, actor: string): Promise<boolean> {
  const { set, reason } = readKill(ctx.paths, ctx.fs);
  if (!set) return false;
  const path = ctx.paths.killswitch;
  if (ctx.fs.lstatSync(path).isDirectory())
    throw new KlorosError('KLR_E_HOME_UNSAFE', `${path} is a folder; remove it by hand`, { where: path });
  await ctx.db.transaction(async (tx) => {
    await appendEvent(tx, {
      ts: ctx.clock.now(),
      kind: 'kill.cleared',
      subject: 'killswitch',
      data: { reason, actor },
    });
  });
  try {
    ctx.fs.unlinkSync(path);
  } catch (error) {
    throw explainFileError(error, path);
  }
  return true;
}
