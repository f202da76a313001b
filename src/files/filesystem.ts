import fs from 'node:fs';

/**
 * The file system as an argument: the part of node:fs that KLoROS uses, synchronous on purpose (a commit is a short,
 * ordered series of calls). Tests pass one that fails at the n-th call.
 */
export type FileSystem = Pick<
  typeof fs,
  | 'openSync'
  | 'closeSync'
  | 'readSync'
  | 'writeSync'
  | 'fsyncSync'
  | 'fstatSync'
  | 'ftruncateSync'
  | 'fchmodSync'
  | 'lstatSync'
  | 'statSync'
  | 'statfsSync'
  | 'renameSync'
  | 'unlinkSync'
  | 'rmSync'
  | 'mkdirSync'
  | 'readdirSync'
  | 'readFileSync'
  | 'existsSync'
  | 'chmodSync'
  | 'chownSync'
  | 'realpathSync'
>;

export const nodeFileSystem: FileSystem = fs;
