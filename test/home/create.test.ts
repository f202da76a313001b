import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeFileSystem as fs } from '../../src/files/filesystem.ts';
import { createHome } from '../../src/home/create.ts';
import { homePaths } from '../../src/home/paths.ts';
import { getMeta, setMeta } from '../../src/store/meta.ts';
import { openSqlite } from '../../src/store/sqlite.ts';

let parent: string;
let root: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'kloros-home-'));
  root = join(parent, 'home');
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** Every path below `folder` with its mode. */
function modes(folder: string): Map<string, number> {
  const names = readdirSync(folder, { recursive: true }).map(String);
  return new Map(names.map((name) => [name, lstatSync(join(folder, name)).mode & 0o7777]));
}

function expectClosed(): void {
  expect(lstatSync(root).mode & 0o7777).toBe(0o700);
  for (const [name, mode] of modes(root))
    expect(mode, name).toBe(lstatSync(join(root, name)).isDirectory() ? 0o700 : 0o600);
}

test.for(['000', '022', '077'])('under umask %s every folder is 0700 and every file 0600', async (umask) => {
  const before = process.umask(umask);
  try {
    await createHome(root, fs);
    const db = await openSqlite(homePaths(root).database);
    await setMeta(db, 'a', 'b');
    expect([...modes(root).keys()]).toContain('kloros.db-wal');
    expectClosed();
    await db.close();
  } finally {
    process.umask(before);
  }
});

test('a second time changes nothing but what is missing or looser', async () => {
  const paths = await createHome(root, fs);
  const db = await openSqlite(paths.database);
  await setMeta(db, 'kept', 'yes');
  await db.close();
  writeFileSync(join(paths.promotions, 'a.json'), '{}', { mode: 0o600 });
  rmSync(paths.scratch, { recursive: true });
  chmodSync(paths.intents, 0o777);
  chmodSync(paths.database, 0o644);
  await createHome(root, fs);
  expectClosed();
  expect(readdirSync(paths.promotions)).toEqual(['a.json']);
  const again = await openSqlite(paths.database);
  expect(await getMeta(again, 'kept')).toBe('yes');
  await again.close();
});

test('a home that a crash left half made is finished', async () => {
  mkdirSync(join(root, 'locks'), { recursive: true });
  mkdirSync(join(root, 'processed'));
  await createHome(root, fs);
  expectClosed();
});

test('a folder with something else in it is refused, and left as it is', async () => {
  mkdirSync(root);
  chmodSync(root, 0o755);
  writeFileSync(join(root, 'thesis.txt'), 'years of work');
  await expect(createHome(root, fs)).rejects.toMatchObject({ code: 'KLR_E_HOME_FOREIGN', exit: 78 });
  expect(readdirSync(root)).toEqual(['thesis.txt']);
  expect(lstatSync(root).mode & 0o777).toBe(0o755);
});

test('a file in place of the home, or on the way to it, is refused', async () => {
  writeFileSync(root, '');
  await expect(createHome(root, fs)).rejects.toMatchObject({ code: 'KLR_E_HOME_FOREIGN' });
  await expect(createHome(join(root, 'inner'), fs)).rejects.toMatchObject({ code: 'KLR_E_HOME_FOREIGN' });
});

test('kloros.yaml may be there before the home is', async () => {
  mkdirSync(root);
  writeFileSync(join(root, 'kloros.yaml'), 'version: 1\n');
  await createHome(root, fs);
  expect(readFileSync(join(root, 'kloros.yaml'), 'utf8')).toBe('version: 1\n');
});

test('a home that lost its database is refused: a new one would count baselines from 1 again', async () => {
  const paths = await createHome(root, fs);
  writeFileSync(join(paths.baselineVersions, 'baseline_v0001.yaml'), '');
  rmSync(paths.database);
  await expect(createHome(root, fs)).rejects.toMatchObject({ code: 'KLR_E_HOME_DAMAGED', exit: 65 });
  expect(fs.existsSync(paths.database)).toBe(false);
});

test('a symlink in place of a folder of the home is refused, and nothing is written through it', async () => {
  const outside = join(parent, 'outside');
  mkdirSync(outside);
  mkdirSync(root);
  symlinkSync(outside, join(root, 'signals'));
  await expect(createHome(root, fs)).rejects.toMatchObject({
    code: 'KLR_E_HOME_UNSAFE',
    where: join(root, 'signals'),
  });
  expect(readdirSync(outside)).toEqual([]);
});

test('the folder of another user is refused', async ({ skip }) => {
  skip(process.getuid?.() !== 0, 'changing an owner needs root');
  mkdirSync(root);
  chownSync(root, 65534, 65534);
  await expect(createHome(root, fs)).rejects.toMatchObject({ code: 'KLR_E_OWNER', exit: 78 });
  expect(readdirSync(root)).toEqual([]);
});

test('processes that create one home at the same time all succeed', async () => {
  const create = fileURLToPath(new URL('../../src/home/create.ts', import.meta.url));
  const script = `const { createHome } = require(${JSON.stringify(create)});
    console.log('ready');
    process.stdin.once('data', async () => {
      process.stdin.destroy();
      await createHome(${JSON.stringify(root)}, require('node:fs'));
    });`;
  const children = Array.from({ length: 12 }, () =>
    spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  await Promise.all(children.map((child) => once(child.stdout, 'data')));
  const ends = children.map(async (child) => (await once(child, 'exit'))[0]);
  for (const child of children) child.stdin.write('go');
  expect(await Promise.all(ends)).toEqual(children.map(() => 0));
  expectClosed();
});
