import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FileSystem, nodeFileSystem } from '../../src/files/filesystem.ts';
import { deliverOutbox, owe } from '../../src/store/outbox.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;

beforeEach(async () => {
  ctx = await testContext();
});

afterEach(() => ctx.cleanup());

const oweAll = (now: number, files: [path: string, content: string][]) =>
  ctx.db.transaction(async (tx) => {
    for (const [path, content] of files) await owe(tx, now, path, content);
  });

const read = (path: string) => readFileSync(join(ctx.paths.root, path), 'utf8');

test('files are written in the order of owing, whatever their names and the clock say', async () => {
  await oweAll(2000, [
    ['signals/z', '1'],
    ['signals/a', '1'],
    ['signals/m', '1'],
  ]);
  await oweAll(1000, [
    ['signals/z', '2'],
    ['signals/b', '1'],
  ]);
  expect(await deliverOutbox(ctx)).toEqual(['signals/a', 'signals/m', 'signals/z', 'signals/b']);
  expect(read('signals/z')).toBe('2');
  expect(await deliverOutbox(ctx)).toEqual([]);
});

test('more files than one batch are all written once', async () => {
  const files = Array.from({ length: 55 }, (_, n): [string, string] => [`signals/${55 - n}`, String(n)]);
  await oweAll(0, files);
  expect(await deliverOutbox(ctx)).toEqual(files.map(([path]) => path));
  expect(readdirSync(ctx.paths.signals)).toHaveLength(55);
});

test('what could not be written stays owed, and so does all behind it', async () => {
  await oweAll(0, [
    ['signals/a', '1'],
    ['phase/b', '1'],
    ['signals/c', '1'],
  ]);
  rmSync(ctx.paths.phase, { recursive: true });
  await expect(deliverOutbox(ctx)).rejects.toThrow('ENOENT');
  expect(readdirSync(ctx.paths.signals)).toEqual(['a']);
  ctx.fs.mkdirSync(ctx.paths.phase);
  expect(await deliverOutbox(ctx)).toEqual(['signals/a', 'phase/b', 'signals/c']);
});

/** Another process that owes a newer mode and delivers it; resolves with its exit code. */
function newerMode(): Promise<number> {
  const source = (path: string) =>
    JSON.stringify(fileURLToPath(new URL(`../../src/${path}`, import.meta.url)));
  const script = `
    const { owe, deliverOutbox } = require(${source('store/outbox.ts')});
    const { openSqlite } = require(${source('store/sqlite.ts')});
    const { homePaths } = require(${source('home/paths.ts')});
    const paths = homePaths(${JSON.stringify(ctx.paths.root)});
    openSqlite(paths.database).then(async (db) => {
      await db.transaction((tx) => owe(tx, 1, 'mode', 'new'));
      await deliverOutbox({ db, paths, fs: require('node:fs') });
    });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: 'inherit' });
  return once(child, 'exit').then(([code]) => code as number);
}

test('of two that deliver at once, neither puts an older content over a newer one', async () => {
  await oweAll(0, [['mode', 'old']]);
  let other: Promise<number> | undefined;
  const fs: FileSystem = {
    ...nodeFileSystem,
    renameSync: (from, to) => {
      // This process stands still between reading what it owes and putting it in place: time enough for the other.
      other ??= newerMode();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 800);
      nodeFileSystem.renameSync(from, to);
    },
  };
  await deliverOutbox({ ...ctx, fs });
  expect(await other).toBe(0);
  expect(read('mode')).toBe('new');
});
