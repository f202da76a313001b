import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeFileSystem as fs } from '../../src/files/filesystem.ts';
import { readDropped } from '../../src/files/read-safe.ts';
import { parseStrictJson } from '../../src/files/strict-json.ts';

const isRoot = process.getuid?.() === 0;
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kloros-drop-'));
  path = join(folder, 'dropped.json');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const written = (file: string) => {
  writeFileSync(file, 'secret');
  return file;
};
const secret = () => written(join(folder, 'secret'));

test('reads a plain file with its text, its bytes and their SHA-256', () => {
  const text = '{"größe": 1}\r\n';
  writeFileSync(path, text);
  const sha256 = createHash('sha256').update(text).digest('hex');
  expect(readDropped(fs, path)).toEqual({ ok: true, bytes: Buffer.from(text), text, sha256 });
});

test('an empty file is empty text', () => {
  writeFileSync(path, '');
  expect(readDropped(fs, path)).toMatchObject({ ok: true, text: '' });
});

test.for<[string, string, boolean, () => void]>([
  ['a symlink to a file', 'not-regular', false, () => symlinkSync(secret(), path)],
  ['a symlink to nothing', 'not-regular', false, () => symlinkSync(join(folder, 'nowhere'), path)],
  ['a symlink to itself', 'not-regular', false, () => symlinkSync(path, path)],
  ['a hard link', 'hard-link', false, () => linkSync(secret(), path)],
  ['a FIFO that nobody writes to', 'not-regular', false, () => execFileSync('mkfifo', [path])],
  ['a folder', 'not-regular', false, () => mkdirSync(path)],
  ['a device that never ends', 'not-regular', true, () => execFileSync('mknod', [path, 'c', '1', '5'])],
  ['a file of another user', 'owner', true, () => chownSync(written(path), 65534, 65534)],
  ['2 GiB of nothing', 'too-large', false, () => truncateSync(written(path), 2 ** 31)],
  ['a byte more than the limit', 'too-large', false, () => writeFileSync(path, 'x'.repeat(256 * 1024 + 1))],
  ['bad UTF-8', 'encoding', false, () => writeFileSync(path, Buffer.from([0x7b, 0xff, 0x7d]))],
  ['a UTF-8 surrogate', 'encoding', false, () => writeFileSync(path, Buffer.from([0xed, 0xa0, 0x80]))],
  ['a torn UTF-8 character', 'encoding', false, () => writeFileSync(path, Buffer.from([0x22, 0xc3]))],
  ['nothing', 'missing', false, () => {}],
])('refuses %s', ([, code, needsRoot, put], { skip }) => {
  skip(needsRoot && !isRoot, 'making one needs root');
  put();
  const result = readDropped(fs, path);
  expect(result).toMatchObject({ ok: false, code });
  expect(JSON.stringify(result)).not.toContain('secret');
});

test('refuses a socket', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  expect(readDropped(fs, path)).toMatchObject({
    ok: false,
    code: 'not-regular',
    reason: expect.stringContaining('socket'),
  });
  await new Promise((resolve) => server.close(resolve));
});

test('a file of root is read by the service user, a file of the service user by nobody else', ({ skip }) => {
  skip(!isRoot, 'changing an owner needs root');
  writeFileSync(path, 'x');
  expect(readDropped(fs, path, { uid: 1234 })).toMatchObject({ ok: true });
  chownSync(path, 1234, 1234);
  expect(readDropped(fs, path, { uid: 1234 })).toMatchObject({ ok: true });
  expect(readDropped(fs, path, { uid: 1235 })).toMatchObject({ ok: false, code: 'owner' });
});

test('what may not be read is a refusal, not an exception', () => {
  writeFileSync(path, 'x');
  chmodSync(path, 0);
  const denied = {
    ...fs,
    openSync: () => {
      throw Object.assign(new Error('denied'), { code: 'EACCES' });
    },
  };
  expect(readDropped(denied, path)).toMatchObject({
    ok: false,
    code: 'unreadable',
    reason: expect.stringContaining('EACCES'),
  });
});

/** A file system in which something happens between the look at the file and its opening, or during the read. */
function racing(at: 'openSync' | 'readSync', act: () => void): typeof fs {
  let acted = false;
  const once = () => {
    if (!acted) act();
    acted = true;
  };
  const raced = {
    openSync: (...args: Parameters<typeof fs.openSync>) => {
      if (at === 'openSync') once();
      return fs.openSync(...args);
    },
    readSync: ((...args: Parameters<typeof fs.readSync>) => {
      if (at === 'readSync') once();
      return fs.readSync(...args);
    }) as typeof fs.readSync,
  };
  return { ...fs, ...raced };
}

test.for<[string, string, () => void]>([
  ['a symlink', 'not-regular', () => symlinkSync(secret(), path)],
  ['a FIFO', 'not-regular', () => execFileSync('mkfifo', [path])],
  ['a hard link', 'hard-link', () => linkSync(secret(), path)],
  ['a huge file', 'too-large', () => truncateSync(written(path), 2 ** 31)],
  ['nothing', 'missing', () => {}],
])('a file that is swapped for %s between the look and the opening is refused', ([, code, put]) => {
  writeFileSync(path, '{}');
  const swap = () => {
    unlinkSync(path);
    put();
  };
  expect(readDropped(racing('openSync', swap), path)).toMatchObject({ ok: false, code });
});

test('a file that grows or shrinks while it is read is not taken half-way', () => {
  writeFileSync(path, '{"a":1}');
  expect(
    readDropped(
      racing('readSync', () => appendFileSync(path, ' ')),
      path,
    ),
  ).toMatchObject({ code: 'changed' });
  expect(
    readDropped(
      racing('readSync', () => truncateSync(path, 3)),
      path,
    ),
  ).toMatchObject({ code: 'changed' });
  expect(readDropped(fs, path)).toMatchObject({ ok: true, text: '{"a' });
});

test('a refusal after the opening leaves no file open', () => {
  const open = () => fs.readdirSync('/proc/self/fd').length;
  const before = open();
  const other = join(folder, 'other');
  for (let n = 0; n < 20; n++) {
    rmSync(other, { force: true });
    written(path);
    const result = readDropped(
      racing('openSync', () => linkSync(path, other)),
      path,
    );
    expect(result).toMatchObject({ code: 'hard-link' });
  }
  expect(open()).toBe(before);
});

test('every torn beginning and every byte-order mark of a JSON file is told apart from the whole', () => {
  const bytes = Buffer.from('{"id":"a","größe":[1,2.5e3,"ü"]}');
  for (let length = 0; length <= bytes.length; length++) {
    writeFileSync(path, bytes.subarray(0, length));
    const read = readDropped(fs, path);
    expect(read.ok && parseStrictJson(read.text).ok, `${length} bytes`).toBe(length === bytes.length);
  }
  writeFileSync(path, Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]));
  const read = readDropped(fs, path);
  expect(read.ok && parseStrictJson(read.text)).toMatchObject({
    ok: false,
    reason: expect.stringContaining('byte-order'),
  });
});
