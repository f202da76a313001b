/**
 * S3: the first system asked kill(pid, 0) whether a holder lives, which is wrong when the id was given to another
 * process and when the signal is not allowed (EPERM), and stole the lock of a live holder by age. The rule: identity is
 * boot id, process id and start time; a lock is never stolen, a late holder's token is outrun.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockIsHeld, tryLock } from '../../src/lock/acquire.ts';
import { checkFence, outrun } from '../../src/lock/fence.ts';
import { isAlive } from '../../src/lock/liveness.ts';
import { type TestContext, testContext } from '../support/context.ts';

const options = { purpose: 'test', ttlMs: 1000 };
let ctx: TestContext;

beforeEach(async () => {
  ctx = await testContext();
});

afterEach(() => ctx.cleanup());

test('a dead holder whose process id now belongs to another process is dead, and is reaped', async () => {
  const first = await tryLock(ctx, 'phase', options);
  if (!first.acquired) throw new Error('not acquired');
  first.lock.release();
  const reused = { ...first.lock.holder, startTime: first.lock.holder.startTime - 1, purpose: 'died' };
  writeFileSync(join(ctx.paths.locks, 'phase.lock'), `${JSON.stringify(reused)}\n`);
  expect(isAlive(reused, ctx.fs)).toBe(false);
  expect(await tryLock(ctx, 'phase', options)).toMatchObject({ acquired: true, reaped: { purpose: 'died' } });
});

test('a live holder that is late keeps its lock, however late it is; only its token stops committing', async () => {
  const first = await tryLock(ctx, 'phase', options);
  if (!first.acquired) throw new Error('not acquired');
  ctx.clock.advance(1e12);
  for (let attempt = 0; attempt < 3; attempt++)
    expect(await tryLock(ctx, 'phase', options)).toMatchObject({ acquired: false, overdue: true });
  await expect(checkFence(ctx.db, 'phase', first.lock.token)).resolves.toBeUndefined();
  await outrun(ctx, 'phase');
  expect(lockIsHeld(ctx.paths, 'phase', ctx.fs)).toBe(true);
  expect(isAlive(first.lock.holder, ctx.fs)).toBe(true);
  await expect(checkFence(ctx.db, 'phase', first.lock.token)).rejects.toMatchObject({ code: 'KLR_E_FENCED' });
});
