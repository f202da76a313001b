import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { getMeta, setMeta } from '../../src/store/meta.ts';
import { MIGRATIONS } from '../../src/store/migrations.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
});
afterEach(() => ctx.cleanup());

test('what a transaction did is there for another connection when it resolves, and gone when it throws', async () => {
  const other = await openSqlite(ctx.paths.database);
  await ctx.db.transaction((tx) => setMeta(tx, 'a', '1'));
  expect(await getMeta(other, 'a')).toBe('1');
  const failing = ctx.db.transaction(async (tx) => {
    await setMeta(tx, 'a', '2');
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(await getMeta(other, 'a')).toBe('1');
  await other.close();
});

test('transactions of one connection wait for each other, across what they await', async () => {
  const order: string[] = [];
  const slow = ctx.db.transaction(async (tx) => {
    order.push('first begins');
    await new Promise((resolve) => setTimeout(resolve, 20));
    await setMeta(tx, 'a', '1');
    order.push('first ends');
  });
  const failing = ctx.db.transaction(async () => {
    order.push('second');
    throw new Error('no');
  });
  const last = ctx.db.transaction(async () => order.push('third'));
  await slow;
  await expect(failing).rejects.toThrow('no');
  await last;
  expect(order).toEqual(['first begins', 'first ends', 'second', 'third']);
});

test('a transaction inside a transaction is refused, and rolls the outer one back', async () => {
  const nested = ctx.db.transaction(async (tx) => {
    await setMeta(tx, 'a', '1');
    await tx.transaction(async () => {});
  });
  await expect(nested).rejects.toMatchObject({ code: 'KLR_E_INTERNAL' });
  expect(await getMeta(ctx.db, 'a')).toBeUndefined();
});

test('changes that connections make at once all take place', async () => {
  const others = await Promise.all([1, 2, 3].map(() => openSqlite(ctx.paths.database)));
  await setMeta(ctx.db, 'n', '0');
  const add = (db: TestContext['db']) =>
    db.transaction(async (tx) => setMeta(tx, 'n', String(Number(await getMeta(tx, 'n')) + 1)));
  for (let round = 0; round < 10; round++) await Promise.all([ctx.db, ...others].map(add));
  expect(await getMeta(ctx.db, 'n')).toBe('40');
  for (const db of others) await db.close();
});

test('opening again changes nothing; a home of a newer version is left as it is', async () => {
  const path = join(ctx.configDir, 'newer.db');
  const db = new DatabaseSync(path);
  db.exec(`CREATE TABLE future (x); PRAGMA user_version = ${MIGRATIONS.length + 1}`);
  db.close();
  const before = readFileSync(path);
  await expect(openSqlite(path)).rejects.toMatchObject({ code: 'KLR_E_HOME_NEWER' });
  expect(readFileSync(path).subarray(100)).toEqual(before.subarray(100));
  await setMeta(ctx.db, 'a', '1');
  const again = await openSqlite(ctx.paths.database);
  expect(await getMeta(again, 'a')).toBe('1');
  await again.close();
});

test('a file that is no database is named as damage, and left as it is', async () => {
  const path = join(ctx.configDir, 'junk.db');
  writeFileSync(path, 'this is not a database, and long enough to be read as one'.repeat(100));
  const before = readFileSync(path);
  await expect(openSqlite(path)).rejects.toMatchObject({ code: 'KLR_E_HOME_DAMAGED', where: path });
  expect(readFileSync(path)).toEqual(before);
});

test('a reader without the right to write reads, and may not write', async () => {
  await setMeta(ctx.db, 'a', '1');
  const reader = await openSqlite(ctx.paths.database, { readOnly: true });
  expect(await getMeta(reader, 'a')).toBe('1');
  await expect(setMeta(reader, 'a', '2')).rejects.toMatchObject({ code: 'KLR_E_HOME_READ_ONLY' });
  await reader.close();
});
