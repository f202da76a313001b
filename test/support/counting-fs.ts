import type { FileSystem } from '../../src/files/filesystem.ts';

export interface CountingFileSystem {
  readonly fs: FileSystem;
  /** Calls by name since the last `reset`. */
  readonly calls: Map<string, number>;
  total(): number;
  reset(): void;
}

/** A file system that counts its calls: what a scan costs, whatever the machine. */
export function countingFileSystem(inner: FileSystem): CountingFileSystem {
  const calls = new Map<string, number>();
  const fs = new Proxy(inner, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function' || typeof name !== 'string') return member;
      return (...args: unknown[]) => {
        calls.set(name, (calls.get(name) ?? 0) + 1);
        return Reflect.apply(member, target, args);
      };
    },
  });
  return {
    fs,
    calls,
    total: () => [...calls.values()].reduce((sum, n) => sum + n, 0),
    reset: () => calls.clear(),
  };
}
