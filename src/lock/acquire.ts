import type { Context } from '../context.ts';
import { type FileSystem, nodeFileSystem } from '../files/filesystem.ts';
import { explainFileError } from '../files/write-atomic.ts';
import { addCounter } from '../metrics/counters.ts';
import type { Database } from '../store/database.ts';
import { appendEvent } from '../store/ledger.ts';
import { describeSelf, readHolder, writeHolder } from './holder.ts';
import { isOverdue } from './liveness.ts';
import { isStillThere, lockPath, openLockFile, refuseLockFile } from './lock-file.ts';
import type { HeldLock, Holder, LockAttempt, LockName } from './types.ts';

export { readHolder } from './holder.ts';
export { lockIsHeld } from './probe.ts';

/** What locks need of a context; the file system defaults to the real one. */
export type LockContext = Pick<Context, 'paths' | 'db' | 'clock'> & { readonly fs?: FileSystem };

/** How often a lock file may vanish between open and lock before it is no accident. */
const REPLACED_LIMIT = 10;

/** The kernel's lock on the file that `path` names now: the descriptor that holds it, or null when another does. */
async function lockFile(fs: FileSystem, path: string): Promise<number | null> {
  const { tryLock: lockDescriptor } = await import('fs-native-extensions');
  for (let attempt = 0; attempt < REPLACED_LIMIT; attempt++) {
    const fd = openLockFile(fs, path);
    try {
      if (!lockDescriptor(fd)) {
        fs.closeSync(fd);
        return null;
      }
    } catch (error) {
      fs.closeSync(fd);
      throw refuseLockFile(path, 'its file system does not lock open file descriptions', error);
    }
    if (isStillThere(fs, fd, path)) return fd;
    fs.closeSync(fd);
  }
  throw refuseLockFile(path, 'it is being replaced again and again');
}

async function nextToken(tx: Database, name: LockName): Promise<number> {
  const row = await tx.get<{ token: number }>(
    'INSERT INTO fences (name, token) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET token = fences.token + 1 RETURNING token',
    name,
  );
  return Number(row?.token);
}

async function recordReaped(tx: Database, now: number, dead: Holder): Promise<void> {
  await appendEvent(tx, { ts: now, kind: 'lock.reaped', subject: dead.name, data: { holder: dead } });
  await addCounter(tx, 'kloros_lock_reaped_total', { lock: dead.name });
}

function heldLock(fs: FileSystem, fd: number, name: LockName, holder: Holder): HeldLock {
  let open = true;
  return {
    name,
    token: holder.token,
    holder,
    release() {
      if (!open) return;
      open = false;
      try {
        fs.ftruncateSync(fd, 0);
      } catch {
        // The signature is for display; without it the next holder records this one as reaped.
      }
      fs.closeSync(fd);
    },
  };
}

/**
 * Takes a lock, or says who has it; never waits. An exclusive lock of the open file description (fcntl F_OFD_SETLK) on
 * a file that is never unlinked decides; what is written in the file is for display. The kernel frees the lock of a
 * dead process; what that one left is returned as `reaped`, and recorded in the ledger (`lock.reaped`). Each
 * acquisition has a fencing token one above the last, for `checkFence` at the commit (Kleppmann 2016).
 * @param options.ttlMs milliseconds after which the holder is reported as overdue, and may be outrun
 * @throws KLR_E_LOCK_FILE when something else stands in place of the file; KLR_E_DISK_FULL, KLR_E_HOME_READ_ONLY
 */
export async function tryLock(
  ctx: LockContext,
  name: LockName,
  options: { purpose: string; ttlMs: number },
): Promise<LockAttempt> {
  const fs = ctx.fs ?? nodeFileSystem;
  const now = ctx.clock.now();
  const fd = await lockFile(fs, lockPath(ctx.paths, name));
  if (fd === null) {
    const holder = readHolder(ctx.paths, name, fs);
    return { acquired: false, holder, overdue: holder !== null && isOverdue(holder, now) };
  }
  try {
    const reaped = readHolder(ctx.paths, name, fs);
    const token = await ctx.db.transaction(async (tx) => {
      if (reaped) await recordReaped(tx, now, { ...reaped, name });
      return nextToken(tx, name);
    });
    const holder = describeSelf(fs, { name, token, acquiredAt: now, ...options });
    writeHolder(fs, fd, holder);
    return { acquired: true, lock: heldLock(fs, fd, name, holder), reaped };
  } catch (error) {
    fs.closeSync(fd);
    throw explainFileError(error, lockPath(ctx.paths, name));
  }
}
