import type { FileSystem } from '../files/filesystem.ts';
import type { HomePaths } from '../home/paths.ts';
import { readHolder } from './holder.ts';
import { isAlive } from './liveness.ts';
import { lockPath } from './lock-file.ts';
import type { LockName } from './types.ts';

/** One line of /proc/locks (proc(5)): `1: OFDLCK ADVISORY WRITE -1 fe:00:1234 0 EOF`. */
const LINE = /^\d+:\s+OFDLCK\s+\S+\s+WRITE\s+\S+\s+([0-9a-f]+):([0-9a-f]+):(\d+)\s/;

/** Major and minor number of a device, as glibc splits what stat(2) returns. */
function splitDevice(device: bigint): { major: bigint; minor: bigint } {
  return {
    major: ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n),
    minor: (device & 0xffn) | ((device >> 12n) & 0xffffff00n),
  };
}

/** The list of the kernel, or null where it keeps none (not Linux, some sandboxes). */
function kernelLocks(fs: FileSystem): string[] | null {
  try {
    return fs.readFileSync('/proc/locks', 'utf8').split('\n');
  } catch {
    return null;
  }
}

/**
 * Whether a process holds a lock now, as the kernel lists it; where it lists nothing, whether whoever signed the lock
 * is alive. Reads only: trying the lock to find out would make a tick that comes at the same moment believe that it is
 * held.
 */
export function lockIsHeld(paths: Pick<HomePaths, 'locks'>, name: LockName, fs: FileSystem): boolean {
  const stat = fs.lstatSync(lockPath(paths, name), { bigint: true, throwIfNoEntry: false });
  if (!stat) return false;
  const lines = kernelLocks(fs);
  if (!lines) {
    const holder = readHolder(paths, name, fs);
    return holder !== null && isAlive(holder, fs);
  }
  const { major, minor } = splitDevice(stat.dev);
  return lines.some((line) => {
    const [, lineMajor, lineMinor, inode] = LINE.exec(line) ?? [];
    if (inode === undefined || BigInt(inode) !== stat.ino) return false;
    // Btrfs and overlays have one device number (major 0) for stat and another one for the list.
    return major === 0n || (BigInt(`0x${lineMajor}`) === major && BigInt(`0x${lineMinor}`) === minor);
  });
}
