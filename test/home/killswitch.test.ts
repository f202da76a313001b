import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { clearKill, raiseKill, readKill, setKill } from '../../src/home/killswitch.ts';
import { readEvents } from '../../src/store/ledger.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
let path: string;

beforeEach(async () => {
  ctx = await testContext();
  path = ctx.paths.killswitch;
});

afterEach(() => ctx.cleanup());

const failing = (code: string) => () => {
  throw Object.assign(new Error(code), { code });
};

test('without the file it is not set', () => {
  expect(readKill(ctx.paths, ctx.fs)).toEqual({ set: false, reason: '' });
});

test('the text of the file is the reason; touch alone sets it too', () => {
  writeFileSync(path, '');
  expect(readKill(ctx.paths, ctx.fs)).toEqual({ set: true, reason: 'no reason given' });
  writeFileSync(path, 'smoke in rack 4\n');
  expect(readKill(ctx.paths, ctx.fs)).toEqual({ set: true, reason: 'smoke in rack 4' });
  writeFileSync(path, 'x'.repeat(60_000));
  expect(readKill(ctx.paths, ctx.fs).reason).toHaveLength(500);
});

test.for<[string, boolean, () => void]>([
  ['a folder', false, () => mkdirSync(path)],
  ['a symlink to nothing', false, () => symlinkSync(join(ctx.configDir, 'nowhere'), path)],
  ['a FIFO', false, () => execFileSync('mkfifo', [path])],
  [
    'a hard link',
    false,
    () => {
      const other = join(ctx.configDir, 'other');
      writeFileSync(other, '');
      linkSync(other, path);
    },
  ],
  ['bad UTF-8', false, () => writeFileSync(path, Buffer.from([0xff]))],
  ['a huge file', false, () => writeFileSync(path, 'x'.repeat(100_000))],
  [
    'a file of another user',
    true,
    () => {
      writeFileSync(path, '');
      chownSync(path, 65534, 65534);
    },
  ],
])('%s counts as set', ([, needsRoot, put], { skip }) => {
  skip(needsRoot && process.getuid?.() !== 0, 'changing an owner needs root');
  put();
  expect(readKill(ctx.paths, ctx.fs)).toMatchObject({
    set: true,
    reason: expect.stringContaining('cannot be read'),
  });
});

test.for(['EACCES', 'EIO', 'ENOTDIR', 'ESTALE', 'EMFILE'])('a read that ends in %s counts as set', (code) => {
  for (const call of ['lstatSync', 'openSync', 'readSync'] as const) {
    writeFileSync(path, '');
    if (call === 'readSync') writeFileSync(path, 'text');
    expect(readKill(ctx.paths, { ...nodeFileSystem, [call]: failing(code) }).set, call).toBe(true);
  }
});

test('setting and clearing it is recorded, with who and why', async () => {
  await setKill(ctx, 'smoke', 'ada');
  expect(lstatSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, 'utf8')).toBe('smoke\n');
  expect(await clearKill(ctx, 'grace')).toBe(true);
  expect(existsSync(path)).toBe(false);
  expect(await clearKill(ctx, 'grace')).toBe(false);
  expect(await readEvents(ctx.db)).toMatchObject([
    { kind: 'kill.set', data: { reason: 'smoke', actor: 'ada' } },
    { kind: 'kill.cleared', data: { reason: 'smoke', actor: 'grace' } },
  ]);
});

test('it is set before the ledger is asked: a database that fails does not keep it from working', async () => {
  const db = { ...ctx.db, transaction: () => Promise.reject(new Error('no database')) };
  await expect(setKill({ ...ctx, db }, 'smoke', 'ada')).rejects.toThrow('no database');
  expect(readKill(ctx.paths, ctx.fs)).toEqual({ set: true, reason: 'smoke' });
  await expect(clearKill({ ...ctx, db }, 'ada')).rejects.toThrow('no database');
  expect(readKill(ctx.paths, ctx.fs).set).toBe(true);
});

test('on a full disk it is set without its reason', () => {
  raiseKill(ctx.paths, { ...nodeFileSystem, writeSync: failing('ENOSPC') }, 'smoke');
  expect(readKill(ctx.paths, ctx.fs)).toEqual({ set: true, reason: 'no reason given' });
});

test('when the file cannot be made at all, that is an error', () => {
  const fs = { ...nodeFileSystem, openSync: failing('EROFS') };
  expect(() => raiseKill(ctx.paths, fs, 'smoke')).toThrow(
    expect.objectContaining({ code: 'KLR_E_HOME_READ_ONLY' }),
  );
});

test('setting it where a folder stands leaves it set; clearing that asks for a hand', async () => {
  mkdirSync(path);
  await setKill(ctx, 'smoke', 'ada');
  expect(readKill(ctx.paths, ctx.fs).set).toBe(true);
  await expect(clearKill(ctx, 'ada')).rejects.toMatchObject({ code: 'KLR_E_HOME_UNSAFE', where: path });
});

test('clearing a symlink removes the link and not what it names', async () => {
  const other = join(ctx.configDir, 'other');
  writeFileSync(other, 'kept');
  symlinkSync(other, path);
  expect(await clearKill(ctx, 'ada')).toBe(true);
  expect(existsSync(path)).toBe(false);
  expect(readFileSync(other, 'utf8')).toBe('kept');
});
