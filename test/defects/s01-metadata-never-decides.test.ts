/**
 * S1: the first system raised "already held" inside a try whose except swallowed it, and looked at the metadata in the
 * lock file to decide. The rule: the kernel's lock decides, what is written in the file is for display.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readHolder, tryLock } from '../../src/lock/acquire.ts';
import { isAlive } from '../../src/lock/liveness.ts';
import { type TestContext, testContext } from '../support/context.ts';

const options = { purpose: 'test', ttlMs: 1000 };
let ctx: TestContext;
let path: string;

beforeEach(async () => {
  ctx = await testContext();
  path = join(ctx.paths.locks, 'orchestrator.lock');
});

afterEach(() => ctx.cleanup());

test('a held lock is refused whatever its metadata says: nothing, junk, a dead process, long overdue', async () => {
  const first = await tryLock(ctx, 'orchestrator', options);
  if (!first.acquired) throw new Error('not acquired');
  const dead = { ...first.lock.holder, startTime: 1, acquiredAt: 0 };
  for (const metadata of ['', '{"torn', JSON.stringify(dead)]) {
    writeFileSync(path, metadata);
    expect(await tryLock(ctx, 'orchestrator', options)).toMatchObject({ acquired: false });
  }
  expect(await ctx.db.get('SELECT token FROM fences')).toEqual({ token: 1 });
});

test('a free lock is given whatever its metadata says: even that a live process holds it', async () => {
  const first = await tryLock(ctx, 'orchestrator', options);
  if (!first.acquired) throw new Error('not acquired');
  first.lock.release();
  writeFileSync(path, `${JSON.stringify(first.lock.holder)}\n`);
  const claimed = readHolder(ctx.paths, 'orchestrator', ctx.fs);
  expect(claimed && isAlive(claimed, ctx.fs)).toBe(true);
  expect(await tryLock(ctx, 'orchestrator', options)).toMatchObject({ acquired: true, lock: { token: 2 } });
});
