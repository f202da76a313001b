import { constants } from 'node:fs';
import { type FileSystem, nodeFileSystem } from '../../src/files/filesystem.ts';

export type Errno = 'ENOSPC' | 'EDQUOT' | 'EIO';

/** Calls that a disk may refuse. Closing, removing and opening to read always work. */
const REFUSABLE = new Set(['openSync', 'writeSync', 'fsyncSync', 'renameSync', 'mkdirSync']);

/** Whether an `openSync` makes a file, or opens it to write. */
const writes = (flags: unknown): boolean =>
  typeof flags === 'number'
    ? (flags & (constants.O_WRONLY | constants.O_RDWR | constants.O_CREAT)) !== 0
    : /[wa+]/.test(String(flags));

export interface ErrnoFileSystem {
  readonly fs: FileSystem;
  /** Refusable calls up to now. */
  calls(): number;
  /** Which call failed, null before. */
  failed(): string | null;
}

/**
 * A file system that fails from its `at`-th refusable call (from 1) on, `times` times, with `errno`; a write is torn in
 * half before it fails.
 */
export function errnoFileSystem(at: number, errno: Errno, times = 1): ErrnoFileSystem {
  let calls = 0;
  let failed: string | null = null;
  const fs = new Proxy(nodeFileSystem, {
    get(target, name, receiver) {
      const real: unknown = Reflect.get(target, name, receiver);
      if (typeof real !== 'function' || !REFUSABLE.has(String(name))) return real;
      return (...args: unknown[]) => {
        if (name === 'openSync' && !writes(args[1])) return Reflect.apply(real, target, args);
        calls += 1;
        if (calls < at || calls >= at + times) return Reflect.apply(real, target, args);
        failed = String(name);
        if (name === 'writeSync') {
          const [fd, data, offset = 0] = args as [number, Uint8Array | string, number?];
          if (typeof data !== 'string')
            target.writeSync(fd, data, offset, Math.floor((data.length - offset) / 2));
        }
        throw Object.assign(new Error(`${errno}: injected into ${String(name)}`), { code: errno });
      };
    },
  });
  return { fs, calls: () => calls, failed: () => failed };
}
