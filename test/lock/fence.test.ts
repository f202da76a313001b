import { afterEach, beforeEach, expect, test } from 'vitest';
import { readHolder, tryLock } from '../../src/lock/acquire.ts';
import { checkFence, outrun } from '../../src/lock/fence.ts';
import { readEvents } from '../../src/store/ledger.ts';
import { getMeta } from '../../src/store/meta.ts';
import { type TestContext, testContext, virtualClock } from '../support/context.ts';
import { startLockChildren } from '../support/lock-children.ts';

const TTL = 60_000;
const options = { purpose: 'test', ttlMs: TTL };
let ctx: TestContext;
let stop = () => {};

beforeEach(async () => {
  ctx = await testContext();
});

afterEach(async () => {
  stop();
  await ctx.cleanup();
});

test('a stopped holder past its time to live is reported and outrun; when it goes on, its token no longer commits', async () => {
  const { children, stop: end } = startLockChildren(ctx.paths.root, 1);
  stop = end;
  const [child] = children;
  await child?.ask({ do: 'try', name: 'baseline', ttlMs: TTL });
  expect(await child?.ask({ do: 'commit', value: 'before' })).toEqual({ committed: true });
  await child?.signal('SIGSTOP');
  const acquiredAt = readHolder(ctx.paths, 'baseline', ctx.fs)?.acquiredAt ?? 0;

  const early = { ...ctx, clock: virtualClock(acquiredAt + TTL) };
  expect(await tryLock(early, 'baseline', options)).toMatchObject({ acquired: false, overdue: false });
  expect(await outrun(early, 'baseline')).toMatchObject({ outrun: false });

  const late = { ...ctx, clock: virtualClock(acquiredAt + TTL + 1) };
  expect(await tryLock(late, 'baseline', options)).toMatchObject({ acquired: false, overdue: true });
  expect(await outrun(late, 'baseline')).toMatchObject({
    outrun: true,
    token: 2,
    holder: { pid: child?.pid },
  });
  expect(await outrun(late, 'baseline')).toMatchObject({ outrun: false });
  expect(await readEvents(ctx.db, { kind: 'lock.outrun' })).toMatchObject([
    { subject: 'baseline', data: { token: 2, holder: { pid: child?.pid, token: 1 } } },
  ]);

  await child?.signal('SIGCONT');
  expect(await child?.ask({ do: 'commit', value: 'after' })).toEqual({ error: 'KLR_E_FENCED' });
  expect(await getMeta(ctx.db, 'committed')).toBe('before');
  await child?.ask({ do: 'release' });
  expect(await tryLock(ctx, 'baseline', options)).toMatchObject({ acquired: true, lock: { token: 3 } });
});

test('only the newest token passes the fence: not an older, not one that was never given, not that of another lock', async () => {
  const first = await tryLock(ctx, 'baseline', options);
  if (!first.acquired) throw new Error('not acquired');
  first.lock.release();
  const second = await tryLock(ctx, 'baseline', options);
  if (!second.acquired) throw new Error('not acquired');
  const check = (token: number) => ctx.db.transaction((tx) => checkFence(tx, 'baseline', token));
  await expect(check(second.lock.token)).resolves.toBeUndefined();
  await expect(check(first.lock.token)).rejects.toMatchObject({ code: 'KLR_E_FENCED', exit: 7 });
  await expect(check(second.lock.token + 1)).rejects.toMatchObject({ code: 'KLR_E_FENCED' });
  await expect(checkFence(ctx.db, 'phase', 2)).rejects.toMatchObject({ code: 'KLR_E_FENCED' });
});

test('what a dead or absent holder left is not outrun', async () => {
  expect(await outrun(ctx, 'dream')).toMatchObject({ outrun: false });
  const { children, stop: end } = startLockChildren(ctx.paths.root, 1);
  stop = end;
  await children[0]?.ask({ do: 'try', name: 'dream', ttlMs: 1 });
  await children[0]?.signal('SIGKILL');
  expect(await outrun({ ...ctx, clock: virtualClock(8e12) }, 'dream')).toMatchObject({ outrun: false });
  expect(await ctx.db.get('SELECT token FROM fences')).toEqual({ token: 1 });
});

test('a clock that stepped back makes no holder overdue', async () => {
  await tryLock(ctx, 'dream', { purpose: 'test', ttlMs: 1000 });
  ctx.clock.step(-86_400_000);
  expect(await tryLock(ctx, 'dream', options)).toMatchObject({ acquired: false, overdue: false });
  expect(await outrun(ctx, 'dream')).toMatchObject({ outrun: false });
});
