import fs from 'node:fs';
import { dirname } from 'node:path';
import { KlorosError } from '../errors.ts';
import type { FileSystem } from '../files/filesystem.ts';
import { sha256Hex } from '../store/json.ts';

/** A configuration file as read, not yet parsed. */
export interface ConfigSource {
  readonly file: string;
  /** The folder of the file, absolute, with links resolved. */
  readonly realDir: string;
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, hex. */
  readonly hash: string;
}

const LARGEST = 2 ** 20;

function unreadable(file: string, reason: string, cause?: unknown): KlorosError {
  return new KlorosError('KLR_E_CONFIG_INVALID', `${file}: ${reason}`, {
    where: file,
    hint: 'Name a readable YAML file of at most 1 MiB.',
    cause,
  });
}

function readBounded(file: string, fileSystem: FileSystem): Uint8Array {
  // Non-blocking: the open of a FIFO would otherwise wait for a writer.
  const fd = fileSystem.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  try {
    if (!fileSystem.fstatSync(fd).isFile()) throw unreadable(file, 'is not a regular file');
    const buffer = Buffer.alloc(LARGEST + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read)
      read = fileSystem.readSync(fd, buffer, length, buffer.length - length, null);
    if (length > LARGEST) throw unreadable(file, 'is larger than 1 MiB');
    return buffer.subarray(0, length);
  } finally {
    fileSystem.closeSync(fd);
  }
}

/**
 * Reads a configuration file: at most 1 MiB of a regular file (a link to one is followed: the operator names it).
 * @throws KLR_E_CONFIG_MISSING, KLR_E_CONFIG_INVALID
 */
export function readSource(file: string, fileSystem: FileSystem): ConfigSource {
  try {
    const bytes = readBounded(file, fileSystem);
    const realDir = fileSystem.realpathSync(dirname(file));
    return { file, realDir, bytes, hash: sha256Hex(bytes) };
  } catch (error) {
    if (error instanceof KlorosError) throw error;
    const code = (error as { code?: string }).code;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new KlorosError('KLR_E_CONFIG_MISSING', `there is no configuration at ${file}`, {
        where: file,
        cause: error,
      });
    throw unreadable(file, `cannot be read (${code})`, error);
  }
}
