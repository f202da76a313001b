import type { FileSystem } from '../../src/files/filesystem.ts';

/** The process ended here: nothing after it was done. */
export class Crash extends Error {}

/**
 * A file system that ends at the `at`-th call (from 1) that changes something, before it does. `crashed` says whether
 * it came to that: code that goes on after a failed call would hide it.
 */
export function crashingFileSystem(
  inner: FileSystem,
  at: number,
): { readonly fs: FileSystem; crashed(): boolean } {
  const changing = new Set(['writeSync', 'fsyncSync', 'renameSync', 'unlinkSync', 'rmSync', 'mkdirSync']);
  let calls = 0;
  const fs = new Proxy(inner, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function' || !changing.has(String(name))) return member;
      return (...args: unknown[]) => {
        calls += 1;
        // After the crash nothing is done any more, cleaning up included.
        if (calls >= at) throw new Crash(`crash at call ${calls}, ${String(name)}`);
        return Reflect.apply(member, target, args);
      };
    },
  });
  return { fs, crashed: () => calls >= at };
}
