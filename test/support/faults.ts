import { type FileSystem, nodeFileSystem } from '../../src/files/filesystem.ts';
import type { Database } from '../../src/store/database.ts';

/**
 * What a faulty machine does at the call of a number: `crash` throws and freezes it (every later call throws, nothing
 * more reaches the disk, a write is torn in half); an errno fails that one call and goes on.
 */
export type Fault = { readonly at: number; readonly kind: 'crash' | 'ENOSPC' | 'EIO' };

export class Crash extends Error {
  override readonly name = 'Crash';
}

/** Counts the calls to the file system and the database of one operation, and fails the one that is asked for. */
export interface FaultyMachine {
  readonly fs: FileSystem;
  readonly db: Database;
  /** Calls up to now. */
  calls(): number;
  /** Whether the fault was reached. */
  struck(): boolean;
}

function errno(code: string, call: string): Error {
  return Object.assign(new Error(`${code}: injected into ${call}`), { code });
}

export function faultyMachine(db: Database, fault: Fault | null): FaultyMachine {
  let calls = 0;
  let frozen = false;
  let struck = false;
  /** The fault of this call, or null; throws when the machine is frozen. */
  const next = (): Fault | null => {
    if (frozen) throw new Crash('the machine is down');
    if (calls++ !== fault?.at) return null;
    struck = true;
    frozen = fault.kind === 'crash';
    return fault;
  };
  const call = (name: string, real: (...args: never[]) => unknown, args: unknown[]): unknown => {
    // Descriptors of a dead process are closed by the kernel.
    if (name === 'closeSync' && frozen) real(...(args as never[]));
    const hit = next();
    if (!hit) return real(...(args as never[]));
    if (name === 'writeSync') {
      const [fd, data] = args as [number, Uint8Array];
      nodeFileSystem.writeSync(fd, data, 0, Math.floor(data.length / 2));
    }
    if (name === 'closeSync') real(...(args as never[]));
    throw hit.kind === 'crash' ? new Crash(name) : errno(hit.kind, name);
  };
  const fs = new Proxy(nodeFileSystem, {
    get: (target, name, receiver) => {
      const real: unknown = Reflect.get(target, name, receiver);
      if (typeof real !== 'function') return real;
      return (...args: unknown[]) => call(String(name), real as (...args: never[]) => unknown, args);
    },
  });
  /** The disk of the database fails with the file system's errors too; SQLite rolls back then. */
  const guard = async <T>(work: () => Promise<T>): Promise<T> => {
    const hit = next();
    if (!hit) return work();
    throw hit.kind === 'crash' ? new Crash('sql') : errno(hit.kind, 'sql');
  };
  const through = (inner: Database): Database => ({
    all: (sql, ...params) => guard(() => inner.all(sql, ...params)),
    get: (sql, ...params) => guard(() => inner.get(sql, ...params)),
    run: (sql, ...params) => guard(() => inner.run(sql, ...params)),
    transaction: (work) =>
      guard(() =>
        inner.transaction(async (tx) => {
          const result = await work(through(tx));
          // The moment before COMMIT.
          await guard(async () => {});
          return result;
        }),
      ),
    close: () => inner.close(),
  });
  return { fs, db: through(db), calls: () => calls, struck: () => struck };
}
