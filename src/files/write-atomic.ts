import { dirname, join } from 'node:path';
import { KlorosError } from '../errors.ts';
import type { FileSystem } from './filesystem.ts';

/** Ours alone: the sweep also runs beside the files of targets. */
const TEMPORARY = '.kloros-tmp-';

/** Names what the file system refused, so that the person who reads it knows what to mend. */
export function explainFileError(error: unknown, path: string): unknown {
  const code = (error as { code?: string }).code;
  const options = { where: path, cause: error };
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new KlorosError('KLR_E_DISK_FULL', `no space left to write ${path}`, options);
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM')
    return new KlorosError('KLR_E_HOME_READ_ONLY', `may not write ${path} (${code})`, options);
  return error;
}

function fsyncFolder(fs: FileSystem, folder: string): void {
  const fd = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** What a file is made with; by default 0600, and whoever runs this owns it. */
export interface FileOptions {
  readonly mode?: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

function writeWhole(fs: FileSystem, path: string, bytes: Uint8Array, options: FileOptions): void {
  const mode = options.mode ?? 0o600;
  const fd = fs.openSync(path, 'wx', mode);
  try {
    for (let offset = 0; offset < bytes.length; ) offset += fs.writeSync(fd, bytes, offset);
    if (options.owner) fs.chownSync(path, options.owner.uid, options.owner.gid);
    // The umask may have taken a part of it.
    if (mode !== 0o600) fs.chmodSync(path, mode);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Puts a file in place whole or not at all: temporary file in the same folder, fsync, rename (the commit point),
 * fsync of the folder. A crash leaves at most a temporary file, which `sweepTemporary` removes.
 * @throws KLR_E_DISK_FULL, KLR_E_HOME_READ_ONLY; the old file is kept
 */
export function writeAtomic(
  fs: FileSystem,
  path: string,
  data: string | Uint8Array,
  options: FileOptions = {},
): void {
  const folder = dirname(path);
  const temporary = join(folder, `${TEMPORARY}${process.pid}-${process.hrtime.bigint().toString(36)}`);
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  try {
    writeWhole(fs, temporary, bytes, options);
    fs.renameSync(temporary, path);
    fsyncFolder(fs, folder);
  } catch (error) {
    try {
      fs.unlinkSync(temporary);
    } catch {
      // It was never made, is renamed already, or the sweep will find it.
    }
    throw explainFileError(error, path);
  }
}

/** Whether a file name is that of a temporary file of `writeAtomic`. */
export const isTemporary = (name: string): boolean => name.startsWith(TEMPORARY);

/** Removes temporary files that a crash left in `folder`. Call it under the lock of whoever writes there. */
export function sweepTemporary(fs: FileSystem, folder: string): string[] {
  if (!fs.existsSync(folder)) return [];
  const left = fs.readdirSync(folder).filter(isTemporary);
  for (const name of left) fs.unlinkSync(join(folder, name));
  return left;
}
