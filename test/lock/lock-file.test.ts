import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { lockIsHeld, readHolder, tryLock } from '../../src/lock/acquire.ts';
import { type TestContext, testContext } from '../support/context.ts';

const options = { purpose: 'test', ttlMs: 1000 };
const isRoot = process.getuid?.() === 0;
let ctx: TestContext;
let path: string;

beforeEach(async () => {
  ctx = await testContext();
  path = join(ctx.paths.locks, 'phase.lock');
});

afterEach(() => ctx.cleanup());

describe('what stands in place of a lock file is refused and left alone', () => {
  const elsewhere = () => join(ctx.configDir, 'elsewhere');
  const plain = (file: string) => {
    writeFileSync(file, 'mine', { mode: 0o600 });
    return file;
  };
  const cases: [string, boolean, () => void][] = [
    ['a folder', false, () => mkdirSync(path)],
    ['a symlink to a file', false, () => symlinkSync(plain(elsewhere()), path)],
    ['a symlink to nothing', false, () => symlinkSync(elsewhere(), path)],
    ['a FIFO', false, () => execFileSync('mkfifo', [path])],
    ['a hard link', false, () => linkSync(plain(elsewhere()), path)],
    ['a device (needs root)', true, () => execFileSync('mknod', [path, 'c', '1', '3'])],
    ['a file of another user (needs root)', true, () => chownSync(plain(path), 65534, 65534)],
  ];

  test.for(cases)('%s', async ([, needsRoot, put], { skip }) => {
    skip(needsRoot && !isRoot, 'making one needs root');
    put();
    const before = lstatSync(path);
    await expect(tryLock(ctx, 'phase', options)).rejects.toMatchObject({
      code: 'KLR_E_LOCK_FILE',
      exit: 78,
      where: path,
    });
    expect(lstatSync(path)).toMatchObject({ ino: before.ino, mode: before.mode, nlink: before.nlink });
    if (ctx.fs.existsSync(elsewhere())) expect(readFileSync(elsewhere(), 'utf8')).toBe('mine');
    expect(readHolder(ctx.paths, 'phase', ctx.fs)).toBeNull();
    expect(lockIsHeld(ctx.paths, 'phase', ctx.fs)).toBe(false);
    expect(await ctx.db.all('SELECT * FROM fences')).toEqual([]);
  });

  test('locks/ itself is gone', async () => {
    rmSync(ctx.paths.locks, { recursive: true });
    await expect(tryLock(ctx, 'phase', options)).rejects.toMatchObject({ code: 'KLR_E_LOCK_FILE' });
  });
});

describe('what is put in place between the look and the opening is refused too', () => {
  const elsewhere = () => join(ctx.configDir, 'elsewhere');
  const cases: [string, () => void][] = [
    ['a symlink to nothing', () => symlinkSync(elsewhere(), path)],
    ['a FIFO', () => execFileSync('mkfifo', [path])],
    [
      'a hard link',
      () => {
        writeFileSync(elsewhere(), 'mine', { mode: 0o644 });
        linkSync(elsewhere(), path);
      },
    ],
  ];

  test.for(cases)('%s', async ([, put]) => {
    const fs = {
      ...nodeFileSystem,
      openSync: (...args: Parameters<typeof nodeFileSystem.openSync>) => {
        if (args[0] === path && !nodeFileSystem.lstatSync(path, { throwIfNoEntry: false })) put();
        return nodeFileSystem.openSync(...args);
      },
    };
    await expect(tryLock({ ...ctx, fs }, 'phase', options)).rejects.toMatchObject({
      code: 'KLR_E_LOCK_FILE',
    });
    if (existsSync(elsewhere())) expect(lstatSync(elsewhere()).mode & 0o777).toBe(0o644);
    else expect(lstatSync(path).isFile()).toBe(false);
  });
});

test('what is no lock file is not even opened: opening a device can act on it', async () => {
  execFileSync('mkfifo', [path]);
  const opened: unknown[] = [];
  const fs = {
    ...nodeFileSystem,
    openSync: (...args: Parameters<typeof nodeFileSystem.openSync>) => {
      opened.push(args[0]);
      return nodeFileSystem.openSync(...args);
    },
  };
  await expect(tryLock({ ...ctx, fs }, 'phase', options)).rejects.toMatchObject({ code: 'KLR_E_LOCK_FILE' });
  expect(opened).toEqual([]);
});

test('a lock file is made 0600 under any umask, and a looser one is tightened', async () => {
  const umask = process.umask(0);
  try {
    const first = await tryLock(ctx, 'phase', options);
    if (first.acquired) first.lock.release();
  } finally {
    process.umask(umask);
  }
  expect(lstatSync(path).mode & 0o777).toBe(0o600);
  chmodSync(path, 0o666);
  expect(await tryLock(ctx, 'phase', options)).toMatchObject({ acquired: true });
  expect(lstatSync(path).mode & 0o777).toBe(0o600);
});

test('a file that is replaced between open and lock is not the lock: the one that stands there now is taken', async () => {
  writeFileSync(path, '', { mode: 0o600 });
  let swaps = 0;
  const fs = {
    ...nodeFileSystem,
    openSync: (...args: Parameters<typeof nodeFileSystem.openSync>) => {
      const fd = nodeFileSystem.openSync(...args);
      if (args[0] === path && swaps++ === 0) {
        renameSync(path, `${path}.old`);
        writeFileSync(path, '', { mode: 0o600 });
      }
      return fd;
    },
  };
  const attempt = await tryLock({ ...ctx, fs }, 'phase', options);
  expect(attempt).toMatchObject({ acquired: true });
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ token: 1 });
  expect(await tryLock(ctx, 'phase', options)).toMatchObject({ acquired: false });
});

test('a file that is replaced again and again is an error, not an endless loop', async () => {
  const fs = {
    ...nodeFileSystem,
    openSync: (...args: Parameters<typeof nodeFileSystem.openSync>) => {
      const fd = nodeFileSystem.openSync(...args);
      if (args[0] === path) renameSync(path, `${path}.old`);
      return fd;
    },
  };
  await expect(tryLock({ ...ctx, fs }, 'phase', options)).rejects.toMatchObject({ code: 'KLR_E_LOCK_FILE' });
});

test('a torn, empty, huge or foreign signature stops nobody: the kernel says that the lock is free', async () => {
  const junk = [
    '',
    '{',
    '{"name":"phase"',
    'null',
    '[]',
    '{"pid":"1"}',
    'x'.repeat(100_000),
    '\u0000'.repeat(64),
  ];
  for (const text of junk) {
    writeFileSync(path, text, { mode: 0o600 });
    expect(readHolder(ctx.paths, 'phase', ctx.fs)).toBeNull();
    const attempt = await tryLock(ctx, 'phase', options);
    expect(attempt).toMatchObject({ acquired: true, reaped: null });
    expect(readHolder(ctx.paths, 'phase', ctx.fs)).toMatchObject({ pid: process.pid });
    if (attempt.acquired) attempt.lock.release();
  }
});
