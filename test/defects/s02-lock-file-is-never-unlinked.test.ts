/**
 * S2: the first system reaped a stale lock by unlinking its file, while another process could hold the lock on the old
 * inode: two holders. The rule: a lock file is never unlinked.
 */
import { lstatSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { tryLock } from '../../src/lock/acquire.ts';
import { outrun } from '../../src/lock/fence.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { startLockChildren } from '../support/lock-children.ts';

const options = { purpose: 'test', ttlMs: 1000 };
let ctx: TestContext;
let path: string;
let stop = () => {};

beforeEach(async () => {
  ctx = await testContext();
  path = join(ctx.paths.locks, 'baseline.lock');
});

afterEach(async () => {
  stop();
  await ctx.cleanup();
});

test('the file outlives acquisition, contention, outrunning, kill -9, reaping and release: one inode throughout', async () => {
  const refuse = () => {
    throw new Error('a lock file was removed or replaced');
  };
  const fs = { ...nodeFileSystem, unlinkSync: refuse, rmSync: refuse, renameSync: refuse };
  const careful = { ...ctx, fs };
  const { children, stop: end } = startLockChildren(ctx.paths.root, 1);
  stop = end;
  await children[0]?.ask({ do: 'try', name: 'baseline', ttlMs: 1 });
  const { ino } = lstatSync(path);
  ctx.clock.step(Date.UTC(2100, 0) - ctx.clock.now());
  expect(await tryLock(careful, 'baseline', options)).toMatchObject({ acquired: false, overdue: true });
  expect(await outrun(careful, 'baseline')).toMatchObject({ outrun: true });
  await children[0]?.signal('SIGKILL');
  const reaper = await tryLock(careful, 'baseline', options);
  if (!reaper.acquired) throw new Error('not acquired');
  expect(reaper.reaped).toMatchObject({ pid: children[0]?.pid });
  reaper.lock.release();
  expect(lstatSync(path)).toMatchObject({ ino, size: 0 });
});

test('when someone else unlinks the file of a held lock, only one of the two who then hold it can commit', async () => {
  const { children, stop: end } = startLockChildren(ctx.paths.root, 2);
  stop = end;
  const [first, second] = children;
  await first?.ask({ do: 'try', name: 'baseline', ttlMs: 60_000 });
  unlinkSync(path);
  expect(await second?.ask({ do: 'try', name: 'baseline', ttlMs: 60_000 })).toMatchObject({ acquired: true });
  expect(await first?.ask({ do: 'commit', value: 'first' })).toEqual({ error: 'KLR_E_FENCED' });
  expect(await second?.ask({ do: 'commit', value: 'second' })).toEqual({ committed: true });
});
