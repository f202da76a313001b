import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { lockIsHeld, tryLock } from '../../src/lock/acquire.ts';
import { type TestContext, testContext } from '../support/context.ts';

const options = { purpose: 'test', ttlMs: 1000 };
let ctx: TestContext;

beforeEach(async () => {
  ctx = await testContext();
});

afterEach(() => ctx.cleanup());

/** The real file system, but what `path` reads as is `content`; an error when that is null. */
function withFile(path: string, content: string | null): typeof nodeFileSystem {
  const readFileSync = ((...args: Parameters<typeof nodeFileSystem.readFileSync>) => {
    if (args[0] !== path) return nodeFileSystem.readFileSync(...args);
    if (content === null) throw Object.assign(new Error('gone'), { code: 'ENOENT' });
    return content;
  }) as typeof nodeFileSystem.readFileSync;
  return { ...nodeFileSystem, readFileSync };
}

async function hold() {
  const attempt = await tryLock(ctx, 'phase', options);
  if (!attempt.acquired) throw new Error('not acquired');
  return attempt.lock;
}

test('tells a held lock from a free one and from one that was never taken, whatever the file says', async () => {
  expect(lockIsHeld(ctx.paths, 'phase', ctx.fs)).toBe(false);
  const lock = await hold();
  expect(lockIsHeld(ctx.paths, 'phase', ctx.fs)).toBe(true);
  expect(lockIsHeld(ctx.paths, 'dream', ctx.fs)).toBe(false);
  writeFileSync(join(ctx.paths.locks, 'phase.lock'), '');
  expect(lockIsHeld(ctx.paths, 'phase', ctx.fs)).toBe(true);
  lock.release();
  appendFileSync(join(ctx.paths.locks, 'phase.lock'), JSON.stringify(lock.holder));
  expect(lockIsHeld(ctx.paths, 'phase', ctx.fs)).toBe(false);
});

test('looking does not open the lock file, so that it cannot be in the way of who takes it', async () => {
  const lock = await hold();
  const fs = {
    ...nodeFileSystem,
    openSync: () => {
      throw new Error('opened');
    },
  };
  expect(lockIsHeld(ctx.paths, 'phase', fs)).toBe(true);
  lock.release();
  expect(lockIsHeld(ctx.paths, 'phase', fs)).toBe(false);
});

test('the lock of another file of the same number on another device is not ours', async () => {
  await hold();
  const { ino, dev } = ctx.fs.lstatSync(join(ctx.paths.locks, 'phase.lock'));
  const list = (device: string, inode = ino) => `1: OFDLCK ADVISORY  WRITE -1 ${device}:${inode} 0 EOF\n`;
  const real = ctx.fs.readFileSync('/proc/locks', 'utf8');
  const device = new RegExp(` ([0-9a-f]+:[0-9a-f]+):${ino} `).exec(real)?.[1] ?? '';
  const held = (text: string) => lockIsHeld(ctx.paths, 'phase', withFile('/proc/locks', text));
  expect(held(list(device))).toBe(true);
  expect(held(list(device, ino + 1))).toBe(false);
  expect(held('')).toBe(false);
  expect(held(list(device).replace('OFDLCK', 'FLOCK'))).toBe(false);
  // On an anonymous device (major 0: btrfs, overlays) the number alone counts.
  expect(held(list('ff:ff'))).toBe(dev < 256);
});

test('where the kernel keeps no list, whoever signed and lives counts as the holder', async () => {
  const blind = withFile('/proc/locks', null);
  const lock = await hold();
  expect(lockIsHeld(ctx.paths, 'phase', blind)).toBe(true);
  const dead = { ...lock.holder, startTime: lock.holder.startTime - 1 };
  writeFileSync(join(ctx.paths.locks, 'phase.lock'), JSON.stringify(dead));
  expect(lockIsHeld(ctx.paths, 'phase', blind)).toBe(false);
  lock.release();
  expect(lockIsHeld(ctx.paths, 'phase', blind)).toBe(false);
});
