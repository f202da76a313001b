import { dirname, resolve } from 'node:path';
import type { FileSystem } from '../files/filesystem.ts';
import { type FileOptions, sweepTemporary, writeAtomic } from '../files/write-atomic.ts';
import { cannotRender } from './formats/settings.ts';

/** Larger settings files than this are taken for a mistake, bytes. */
const MAX_BYTES = 16 * 1024 * 1024;

/** The target's own file as it is. */
export interface TargetFile {
  /** Where it really stands: a symbolic link is followed once, so that the link itself stays. */
  readonly path: string;
  /** '' when it is not there. */
  readonly text: string;
  readonly exists: boolean;
  /** Its permissions, and its owner when that is someone else; a new one is 0600 and ours. */
  readonly options: FileOptions;
}

/**
 * Reads the file that an apply section names.
 * @throws KLR_E_APPLY_FAILED when it is no regular file, its folder is missing, or it is not UTF-8
 */
export function readTarget(fs: FileSystem, configDir: string, file: string): TargetFile {
  const named = resolve(configDir, file);
  if (!fs.existsSync(dirname(named))) throw cannotRender(`the folder of ${named} does not exist`);
  if (!fs.existsSync(named)) return { path: named, text: '', exists: false, options: {} };
  const path = fs.realpathSync(named);
  const stat = fs.statSync(path);
  if (!stat.isFile()) throw cannotRender(`${named} is not a regular file`);
  if (stat.size > MAX_BYTES) throw cannotRender(`${named} has ${stat.size} bytes, more than ${MAX_BYTES}`);
  const foreign = stat.uid !== process.geteuid?.() || stat.gid !== process.getegid?.();
  const owner = foreign ? { owner: { uid: stat.uid, gid: stat.gid } } : {};
  return { path, text: readText(fs, path), exists: true, options: { mode: stat.mode & 0o777, ...owner } };
}

/** A file as strict UTF-8, its byte order mark kept. */
export function readText(fs: FileSystem, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(fs.readFileSync(path));
  } catch (error) {
    if (error instanceof TypeError) throw cannotRender(`${path} is not UTF-8`, error);
    throw error;
  }
}

/** Puts the new text in place whole or not at all, with the permissions and owner that the file had; what a crash left beside it goes. */
export function writeTarget(fs: FileSystem, target: TargetFile, text: string): void {
  sweepTemporary(fs, dirname(target.path));
  writeAtomic(fs, target.path, text, target.options);
}
