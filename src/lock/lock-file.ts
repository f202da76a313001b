import { constants } from 'node:fs';
import { join } from 'node:path';
import { KlorosError } from '../errors.ts';
import type { FileSystem } from '../files/filesystem.ts';
import { ownUid, statProblem } from '../files/read-safe.ts';
import { explainFileError } from '../files/write-atomic.ts';
import type { HomePaths } from '../home/paths.ts';
import type { LockName } from './types.ts';

const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const FULL_OR_READ_ONLY = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

/** Every lock there is. */
export const LOCK_NAMES: readonly LockName[] = ['orchestrator', 'dream', 'phase', 'baseline', 'daemon'];

export function lockPath(paths: Pick<HomePaths, 'locks'>, name: LockName): string {
  return join(paths.locks, `${name}.lock`);
}

/** The error of a lock file that cannot serve. */
export function refuseLockFile(path: string, what: string, cause?: unknown): KlorosError {
  return new KlorosError('KLR_E_LOCK_FILE', `the lock file ${path} cannot be used: ${what}`, {
    where: path,
    cause,
  });
}

/** Throws unless the opened file is a plain one of ours; modes that let others lock it are mended. */
function checkOpened(fs: FileSystem, fd: number, path: string): void {
  const stat = fs.fstatSync(fd);
  const problem = statProblem(stat, ownUid);
  if (problem) throw refuseLockFile(path, problem.reason);
  if ((stat.mode & 0o077) !== 0) fs.fchmodSync(fd, 0o600);
}

/**
 * Opens a lock file, or makes it. What stands there is looked at before it is opened (opening a device acts on it)
 * and again afterwards (it may have been swapped). It is never unlinked by anyone, or two processes could hold "the"
 * lock on two inodes.
 * @throws KLR_E_LOCK_FILE, KLR_E_DISK_FULL, KLR_E_HOME_READ_ONLY
 */
export function openLockFile(fs: FileSystem, path: string): number {
  let fd: number | undefined;
  try {
    const before = fs.lstatSync(path, { throwIfNoEntry: false });
    const problem = before && statProblem(before, ownUid);
    if (problem) throw refuseLockFile(path, problem.reason);
    fd = fs.openSync(path, FLAGS, 0o600);
    checkOpened(fs, fd, path);
    return fd;
  } catch (error) {
    if (fd !== undefined) fs.closeSync(fd);
    if (error instanceof KlorosError) throw error;
    const code = (error as { code?: string }).code ?? String(error);
    if (FULL_OR_READ_ONLY.has(code)) throw explainFileError(error, path);
    throw refuseLockFile(path, `opening it failed (${code})`, error);
  }
}

/** Whether `path` still names the file that is open as `fd`: a lock on a file that was replaced excludes nobody. */
export function isStillThere(fs: FileSystem, fd: number, path: string): boolean {
  try {
    const opened = fs.fstatSync(fd, { bigint: true });
    const named = fs.lstatSync(path, { bigint: true });
    return opened.ino === named.ino && opened.dev === named.dev;
  } catch {
    return false;
  }
}
