import { afterEach, beforeEach, expect, test } from 'vitest';
import { appendEvent, readEvents, verifyLedger } from '../../src/store/ledger.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
});
afterEach(() => ctx.cleanup());

async function events(count: number, db = ctx.db): Promise<void> {
  for (let n = 0; n < count; n++)
    await db.transaction(async (tx) => {
      await appendEvent(tx, {
        ts: 1000 + n,
        kind: n % 2 ? 'odd' : 'even',
        subject: `s${n}`,
        data: { n, text: 'é"\\' },
      });
    });
}

test('an empty ledger verifies, and its head is empty', async () => {
  expect(await verifyLedger(ctx.db)).toEqual({ ok: true, events: 0, head: '' });
});

test('each event names the hash of the one before, from 1 without a gap', async () => {
  await events(5);
  const all = await readEvents(ctx.db);
  expect(all.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  all.forEach((event, index) => {
    expect(event.previousHash).toBe(all[index - 1]?.hash ?? '');
  });
  expect(await verifyLedger(ctx.db)).toEqual({ ok: true, events: 5, head: all.at(-1)?.hash });
});

test.each([
  ["UPDATE events SET data = '{}' WHERE seq = 3", 3, 'content'],
  ['UPDATE events SET ts = ts + 1 WHERE seq = 1', 1, 'content'],
  ["UPDATE events SET subject = 'x' WHERE seq = 5", 5, 'content'],
  ["UPDATE events SET experiment = 'x' WHERE seq = 4", 4, 'content'],
  ["UPDATE events SET hash = 'x' WHERE seq = 2", 2, 'content'],
  ["UPDATE events SET previous_hash = '' WHERE seq = 2", 2, 'before it'],
  ['DELETE FROM events WHERE seq = 3', 4, 'missing'],
  ['DELETE FROM events WHERE seq = 1', 2, 'missing'],
])('a change is found where it was made: %s', async (sql, seq, reason) => {
  await events(5);
  await ctx.db.run(sql);
  expect(await verifyLedger(ctx.db)).toMatchObject({
    ok: false,
    seq,
    reason: expect.stringContaining(reason),
  });
});

test('what a transaction appends that fails is not appended', async () => {
  await events(1);
  const failing = ctx.db.transaction(async (tx) => {
    await appendEvent(tx, { ts: 1, kind: 'lost', subject: 'x' });
    throw new Error('the change failed');
  });
  await expect(failing).rejects.toThrow('the change failed');
  await events(1);
  expect(await verifyLedger(ctx.db)).toMatchObject({ ok: true, events: 2 });
});

test('two connections that append at once keep one chain', async () => {
  const other = await openSqlite(ctx.paths.database);
  await Promise.all([events(25), events(25, other)]);
  expect(await verifyLedger(ctx.db)).toMatchObject({ ok: true, events: 50 });
  await other.close();
});

test('events are read by kind, subject, time and place, oldest or newest first, up to a limit', async () => {
  await events(10);
  const seqs = async (filter: Parameters<typeof readEvents>[1]) =>
    (await readEvents(ctx.db, filter)).map(({ seq }) => seq);
  expect(await seqs({ kind: 'odd' })).toEqual([2, 4, 6, 8, 10]);
  expect(await seqs({ subject: 's3' })).toEqual([4]);
  expect(await seqs({ sinceTs: 1008 })).toEqual([9, 10]);
  expect(await seqs({ afterSeq: 7, kind: 'even' })).toEqual([9]);
  expect(await seqs({ newestFirst: true, limit: 2 })).toEqual([10, 9]);
  expect((await readEvents(ctx.db, { limit: 1 }))[0]?.data).toEqual({ n: 0, text: 'é"\\' });
});
