import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sweepTemporary } from '../../src/files/write-atomic.ts';
import { deliverOutbox, owe } from '../../src/store/outbox.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { Crash, faultyMachine } from '../support/faults.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
});
afterEach(() => ctx.cleanup());

const debts = (...owed: [string, string][]) =>
  ctx.db.transaction(async (tx) => {
    for (const [path, content] of owed) await owe(tx, ctx.clock.now(), path, content);
  });
const read = (path: string) => readFileSync(join(ctx.paths.root, path), 'utf8');
const waiting = async () =>
  (await ctx.db.all<{ path: string }>('SELECT path FROM outbox ORDER BY seq')).map(({ path }) => path);

test('files are written in the order of owing, whatever their names, and the debt is forgotten', async () => {
  await debts(['z', '1'], ['a', '2'], ['m', '3']);
  expect(await deliverOutbox(ctx)).toEqual(['z', 'a', 'm']);
  expect(['z', 'a', 'm'].map(read)).toEqual(['1', '2', '3']);
  expect(await deliverOutbox(ctx)).toEqual([]);
  expect(statSync(join(ctx.paths.root, 'a')).mode & 0o777).toBe(0o600);
});

test('a later debt for a file replaces the earlier one, and comes after what was owed between', async () => {
  await debts(['a', 'old'], ['b', '1']);
  await debts(['a', 'new']);
  expect(await deliverOutbox(ctx)).toEqual(['b', 'a']);
  expect(read('a')).toBe('new');
});

test('what a transaction owes that fails is not owed', async () => {
  const failing = ctx.db.transaction(async (tx) => {
    await owe(tx, 0, 'a', '1');
    throw new Error('the decision failed');
  });
  await expect(failing).rejects.toThrow('the decision failed');
  expect(await deliverOutbox(ctx)).toEqual([]);
});

test.each(['/etc/passwd', '../x', 'a/../../x', '..', './a', 'a//b'])(
  'a path outside the home, or not in plain form, is refused: %s',
  async (path) => {
    await expect(debts([path, ''])).rejects.toMatchObject({ code: 'KLR_E_INTERNAL' });
  },
);

test('a crash at every call leaves each file old or new, never a later one before an earlier one, and no debt is lost', async () => {
  const files = ['one', 'two', 'three'];
  const of = (text: string) => files.map((name): [string, string] => [name, text]);
  await debts(...of('old'));
  await deliverOutbox(ctx);
  for (let at = 0, struck = true; struck; at++) {
    await debts(...of('old'));
    await deliverOutbox(ctx);
    await debts(...of('new'));
    const machine = faultyMachine(ctx.db, { at, kind: 'crash' });
    const failed = await deliverOutbox({ ...ctx, fs: machine.fs, db: machine.db }).catch((error) => error);
    struck = machine.struck();
    if (struck) expect(failed).toBeInstanceOf(Crash);
    const contents = files.map(read);
    expect(contents.join()).toMatch(/^(new,)*(new|old)(,old)*$/);
    sweepTemporary(ctx.fs, ctx.paths.root);
    await deliverOutbox(ctx);
    expect(files.map(read)).toEqual(['new', 'new', 'new']);
    expect(readdirSync(ctx.paths.root).filter((name) => name.includes('tmp'))).toEqual([]);
    if (!struck) expect(at).toBeGreaterThan(20);
  }
});

test.each([
  ['ENOSPC', 'KLR_E_DISK_FULL'],
  ['EIO', undefined],
] as const)(
  'after %s at any call the old files stay, the debt stays, and the next delivery pays it',
  async (kind, code) => {
    await debts(['a', 'old'], ['b', 'old']);
    await deliverOutbox(ctx);
    for (let at = 1; at < 12; at++) {
      await debts(['a', `new ${at}`], ['b', `new ${at}`]);
      const machine = faultyMachine(ctx.db, { at, kind });
      const error = await deliverOutbox({ ...ctx, fs: machine.fs, db: machine.db }).catch((e) => e);
      expect(machine.struck()).toBe(true);
      if (code && !error.message.includes('sql')) expect(error).toMatchObject({ code });
      expect(await waiting()).toEqual(['a', 'b']);
      await deliverOutbox(ctx);
      expect(['a', 'b'].map(read)).toEqual([`new ${at}`, `new ${at}`]);
    }
  },
);

test('two processes that deliver at once never put an older file over a newer one', async () => {
  const other = { ...ctx, db: await openSqlite(ctx.paths.database) };
  for (let round = 0; round < 30; round++) {
    await debts(['a', `${round}`], ['b', `${round}`]);
    await Promise.all([deliverOutbox(ctx), deliverOutbox(other)]);
    expect([read('a'), read('b')]).toEqual([`${round}`, `${round}`]);
  }
  await other.db.close();
});

test('any series of debts and deliveries ends with the last content of each file', async () => {
  const step = fc.oneof(
    fc.record({ path: fc.constantFrom('a', 'b', 'c'), content: fc.string({ maxLength: 5 }) }),
    fc.constant('deliver' as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const last = new Map<string, string>();
      for (const one of steps) {
        if (one === 'deliver') await deliverOutbox(ctx);
        else {
          await debts([one.path, one.content]);
          last.set(one.path, one.content);
        }
      }
      await deliverOutbox(ctx);
      for (const [path, content] of last) expect(read(path)).toBe(content);
    }),
    { numRuns: 25 },
  );
});
