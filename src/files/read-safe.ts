import { constants, type Stats } from 'node:fs';
import { sha256Hex } from '../store/json.ts';
import type { FileSystem } from './filesystem.ts';

export type ReadProblem =
  /** It is gone. */
  | 'missing'
  /** A symbolic link, folder, FIFO, socket or device. */
  | 'not-regular'
  /** It has a second name: whoever holds that one can change it behind our back. */
  | 'hard-link'
  /** It belongs to someone else. */
  | 'owner'
  | 'too-large'
  /** It was written to while it was read: try again. */
  | 'changed'
  /** Not UTF-8. */
  | 'encoding'
  /** The system refused to read it. */
  | 'unreadable';

export type ReadResult =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly text: string; readonly sha256: string }
  | { readonly ok: false; readonly code: ReadProblem; readonly reason: string };

/** Where the user of this process cannot be known (not POSIX), owners are not compared. */
export const ownUid = process.getuid?.() ?? -1;

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

function refusal(code: ReadProblem, reason: string): ReadResult & { ok: false } {
  return { ok: false, code, reason };
}

function kindOf(stat: Stats): string {
  if (stat.isSymbolicLink()) return 'a symbolic link';
  if (stat.isDirectory()) return 'a folder';
  if (stat.isFIFO()) return 'a FIFO';
  if (stat.isSocket()) return 'a socket';
  return 'a device';
}

/**
 * What is wrong with a file before a byte of it is read, or null: it has to be a regular file with one name, ours or
 * root's.
 */
export function statProblem(stat: Stats, uid: number): (ReadResult & { ok: false }) | null {
  if (!stat.isFile()) return refusal('not-regular', `it is ${kindOf(stat)}, not a regular file`);
  if (stat.nlink !== 1) return refusal('hard-link', `it has ${stat.nlink} names (hard links)`);
  if (uid >= 0 && stat.uid !== uid && stat.uid !== 0)
    return refusal('owner', `it belongs to user ${stat.uid}, not to ${uid} or root`);
  return null;
}

function readUpTo(fs: FileSystem, fd: number, limit: number): Uint8Array {
  const buffer = Buffer.alloc(limit);
  let length = 0;
  while (length < limit) {
    const read = fs.readSync(fd, buffer, length, limit - length, length);
    if (read === 0) break;
    length += read;
  }
  return buffer.subarray(0, length);
}

function readOpen(fs: FileSystem, fd: number, maxBytes: number, uid: number): ReadResult {
  const before = fs.fstatSync(fd);
  const problem = statProblem(before, uid);
  if (problem) return problem;
  if (before.size > maxBytes)
    return refusal('too-large', `it has ${before.size} bytes, at most ${maxBytes} are read`);
  const bytes = readUpTo(fs, fd, before.size + 1);
  const after = fs.fstatSync(fd);
  if (bytes.length !== before.size || after.size !== before.size || after.mtimeMs !== before.mtimeMs)
    return refusal('changed', 'it was written to while it was read');
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { ok: true, bytes, text, sha256: sha256Hex(bytes) };
  } catch {
    return refusal('encoding', 'it is not valid UTF-8');
  }
}

/**
 * Reads a file that anyone may have put there: never follows a link, never blocks on a FIFO, never opens a device,
 * never reads more than `maxBytes`. What is checked is what was opened, so a swap in between changes nothing.
 * An empty file is read as empty text.
 * @param options.maxBytes default 256 KiB
 * @param options.uid whose files are read, beside those of root; default: the user of this process
 */
export function readDropped(
  fs: FileSystem,
  path: string,
  options: { maxBytes?: number; uid?: number } = {},
): ReadResult {
  const uid = options.uid ?? ownUid;
  let fd: number | undefined;
  try {
    // Opening a device can act on it, so what stands there now is looked at first.
    const problem = statProblem(fs.lstatSync(path), uid);
    if (problem) return problem;
    fd = fs.openSync(path, FLAGS);
    return readOpen(fs, fd, options.maxBytes ?? 256 * 1024, uid);
  } catch (error) {
    const code = (error as { code?: string }).code ?? String(error);
    if (code === 'ENOENT') return refusal('missing', 'it is gone');
    if (code === 'ELOOP') return refusal('not-regular', 'it is a symbolic link, not a regular file');
    return refusal('unreadable', `the system refused to read it (${code})`);
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}
