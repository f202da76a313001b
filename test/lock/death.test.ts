import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockIsHeld, readHolder, tryLock } from '../../src/lock/acquire.ts';
import { isAlive, processStat } from '../../src/lock/liveness.ts';
import { readMetrics } from '../../src/metrics/counters.ts';
import { readEvents } from '../../src/store/ledger.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { startLockChildren } from '../support/lock-children.ts';

const options = { purpose: 'test', ttlMs: 60_000 };
let ctx: TestContext;
let stop = () => {};

beforeEach(async () => {
  ctx = await testContext();
});

afterEach(async () => {
  stop();
  await ctx.cleanup();
});

test('kill -9 frees the lock at once; the next holder reaps what the dead one left, and records it', async () => {
  const { children, stop: end } = startLockChildren(ctx.paths.root, 1);
  stop = end;
  const [child] = children;
  expect(await child?.ask({ do: 'try', name: 'orchestrator', ttlMs: 60_000 })).toMatchObject({ token: 1 });
  const path = join(ctx.paths.locks, 'orchestrator.lock');
  const { ino } = lstatSync(path);
  const holder = readHolder(ctx.paths, 'orchestrator', ctx.fs);
  expect(holder).toMatchObject({ pid: child?.pid, token: 1, purpose: 'test', ttlMs: 60_000 });
  expect(holder && isAlive(holder, ctx.fs)).toBe(true);
  expect(await tryLock(ctx, 'orchestrator', options)).toMatchObject({ acquired: false, holder });

  await child?.signal('SIGKILL');

  expect(lockIsHeld(ctx.paths, 'orchestrator', ctx.fs)).toBe(false);
  expect(holder && isAlive(holder, ctx.fs)).toBe(false);
  const attempt = await tryLock(ctx, 'orchestrator', options);
  expect(attempt).toMatchObject({
    acquired: true,
    reaped: { pid: child?.pid, token: 1 },
    lock: { token: 2 },
  });
  expect(await readEvents(ctx.db, { kind: 'lock.reaped' })).toMatchObject([
    { subject: 'orchestrator', data: { holder: { pid: child?.pid, token: 1 } } },
  ]);
  expect(await readMetrics(ctx.db)).toEqual([
    { name: 'kloros_lock_reaped_total', labels: { lock: 'orchestrator' }, value: 1 },
  ]);
  expect(lstatSync(path).ino).toBe(ino);
});

test('a process that a dead holder started, and that lives on, does not keep the lock', async () => {
  const { children, stop: end } = startLockChildren(ctx.paths.root, 1);
  stop = end;
  const [child] = children;
  await child?.ask({ do: 'try', name: 'dream', ttlMs: 60_000 });
  const orphan = (await child?.ask({ do: 'spawn' }))?.spawned ?? 0;
  await child?.signal('SIGKILL');
  try {
    expect(processStat(ctx.fs, orphan)?.state).not.toBe('Z');
    expect(await tryLock(ctx, 'dream', options)).toMatchObject({ acquired: true });
  } finally {
    process.kill(orphan, 'SIGKILL');
  }
});

test('a holder that released leaves nothing to reap', async () => {
  const first = await tryLock(ctx, 'phase', options);
  if (first.acquired) first.lock.release();
  expect(readHolder(ctx.paths, 'phase', ctx.fs)).toBeNull();
  expect(await tryLock(ctx, 'phase', options)).toMatchObject({ acquired: true, reaped: null });
  expect(await readEvents(ctx.db, { kind: 'lock.reaped' })).toEqual([]);
});

test('a second release does not take the lock from the next holder', async () => {
  const first = await tryLock(ctx, 'phase', options);
  if (!first.acquired) throw new Error('not acquired');
  first.lock.release();
  const second = await tryLock(ctx, 'phase', options);
  first.lock.release();
  expect(second.acquired).toBe(true);
  expect(readHolder(ctx.paths, 'phase', ctx.fs)).toMatchObject({ token: 2 });
  expect(await tryLock(ctx, 'phase', options)).toMatchObject({ acquired: false });
});

test('an acquisition whose transaction fails gives the lock back', async () => {
  const db = { ...ctx.db, transaction: () => Promise.reject(new Error('no transaction')) };
  await expect(tryLock({ ...ctx, db }, 'phase', options)).rejects.toThrow('no transaction');
  expect(lockIsHeld(ctx.paths, 'phase', ctx.fs)).toBe(false);
  expect(await tryLock(ctx, 'phase', options)).toMatchObject({ acquired: true });
});
