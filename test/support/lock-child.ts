/**
 * A process that takes locks on command: one JSON command a line on stdin, one JSON answer a line on stdout.
 * Started by `lock-children.ts`.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { KlorosError } from '../../src/errors.ts';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { homePaths } from '../../src/home/paths.ts';
import { tryLock } from '../../src/lock/acquire.ts';
import { checkFence } from '../../src/lock/fence.ts';
import type { HeldLock, LockName } from '../../src/lock/types.ts';
import { setMeta } from '../../src/store/meta.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { systemClock } from '../../src/time/clock.ts';

export type Command =
  | { readonly do: 'try'; readonly name: LockName; readonly ttlMs: number }
  | { readonly do: 'commit'; readonly value: string }
  | { readonly do: 'release' }
  /** Starts a process that outlives this one. */
  | { readonly do: 'spawn' };

export type Answer =
  | { readonly acquired: boolean; readonly token?: number; readonly reapedPid?: number }
  | { readonly committed: boolean }
  | { readonly released: true }
  | { readonly spawned: number }
  | { readonly error: string };

const paths = homePaths(String(process.argv[2]));
const db = await openSqlite(paths.database);
let lock: HeldLock | undefined;

async function answer(command: Command): Promise<Answer> {
  if (command.do === 'try') {
    const options = { purpose: 'test', ttlMs: command.ttlMs };
    const attempt = await tryLock(
      { paths, db, clock: systemClock, fs: nodeFileSystem },
      command.name,
      options,
    );
    if (!attempt.acquired) return { acquired: false };
    lock = attempt.lock;
    const { reaped } = attempt;
    return { acquired: true, token: lock.token, ...(reaped ? { reapedPid: reaped.pid } : {}) };
  }
  if (command.do === 'commit') {
    await db.transaction(async (tx) => {
      await checkFence(tx, lock?.name ?? 'baseline', lock?.token ?? -1);
      await setMeta(tx, 'committed', command.value);
    });
    return { committed: true };
  }
  if (command.do === 'spawn') {
    const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    return { spawned: child.pid ?? 0 };
  }
  lock?.release();
  return { released: true };
}

for await (const line of createInterface({ input: process.stdin })) {
  const reply = await answer(JSON.parse(line) as Command).catch((error: unknown) => ({
    error: error instanceof KlorosError ? error.code : String(error),
  }));
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
