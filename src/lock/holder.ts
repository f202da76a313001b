import { hostname } from 'node:os';
import type { FileSystem } from '../files/filesystem.ts';
import { readDropped } from '../files/read-safe.ts';
import { parseStrictJson } from '../files/strict-json.ts';
import type { HomePaths } from '../home/paths.ts';
import { bootId, processStat } from './liveness.ts';
import { lockPath } from './lock-file.ts';
import type { Holder, LockName } from './types.ts';

const NUMBERS = ['pid', 'startTime', 'token', 'acquiredAt', 'ttlMs'] as const;
const WORDS = ['name', 'bootId', 'host', 'purpose'] as const;

function isHolder(value: unknown): value is Holder {
  if (value === null || typeof value !== 'object') return false;
  const fields = value as Record<string, unknown>;
  return (
    NUMBERS.every((key) => typeof fields[key] === 'number') &&
    WORDS.every((key) => typeof fields[key] === 'string')
  );
}

/** This process, as it signs a lock. */
export function describeSelf(
  fs: FileSystem,
  lock: { name: LockName; token: number; acquiredAt: number; ttlMs: number; purpose: string },
): Holder {
  const startTime = processStat(fs, process.pid)?.startTime ?? 0;
  return { ...lock, pid: process.pid, startTime, bootId: bootId(fs), host: hostname() };
}

/** Signs the locked file: one line, written over the last one, so that a reader never finds it half empty. */
export function writeHolder(fs: FileSystem, fd: number, holder: Holder): void {
  const line = Buffer.from(`${JSON.stringify(holder)}\n`);
  for (let offset = 0; offset < line.length; )
    offset += fs.writeSync(fd, line, offset, line.length - offset, offset);
  fs.ftruncateSync(fd, line.length);
}

/**
 * Who signed a lock last and did not sign off; null when nobody did, or when it cannot be read. For display: a dead
 * holder's signature stays until the next one, and the kernel decides who holds the lock.
 */
export function readHolder(paths: Pick<HomePaths, 'locks'>, name: LockName, fs: FileSystem): Holder | null {
  const read = readDropped(fs, lockPath(paths, name), { maxBytes: 4096 });
  if (!read.ok) return null;
  const parsed = parseStrictJson(read.text.split('\n', 1)[0] ?? '');
  return parsed.ok && isHolder(parsed.value) ? parsed.value : null;
}
