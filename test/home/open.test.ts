import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeFileSystem as fs } from '../../src/files/filesystem.ts';
import { CONFIG_FILE_KEY } from '../../src/home/config-file.ts';
import { createHome } from '../../src/home/create.ts';
import { closeContext, openContext } from '../../src/home/open.ts';
import type { HomePaths } from '../../src/home/paths.ts';
import { setMeta } from '../../src/store/meta.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { experimentConfig } from '../support/context.ts';

let parent: string;
let paths: HomePaths;

/** YAML is a superset of JSON. The name of the experiment tells one configuration from another. */
function writeConfig(file: string, experiment: string): string {
  writeFileSync(file, JSON.stringify({ version: 1, experiments: { [experiment]: experimentConfig() } }));
  return file;
}

beforeEach(async () => {
  parent = mkdtempSync(join(tmpdir(), 'kloros-open-'));
  paths = await createHome(join(parent, 'home'), fs);
  writeConfig(join(paths.root, 'kloros.yaml'), 'in_home');
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

const open = (options: Partial<Parameters<typeof openContext>[0]> = {}) =>
  openContext({ home: paths.root, env: {}, ...options });

async function experimentsOf(options: Partial<Parameters<typeof openContext>[0]> = {}): Promise<string[]> {
  const ctx = await open(options);
  await closeContext(ctx);
  return Object.keys(ctx.config.experiments);
}

test('an opened home has its paths, configuration, database, random source and log', async () => {
  const ctx = await open({ env: { A: 'b' } });
  expect(ctx.paths).toEqual(paths);
  expect(ctx.configDir).toBe(paths.root);
  expect(ctx.configHash).toMatch(/^[0-9a-f]{64}$/);
  expect(ctx.env).toEqual({ A: 'b' });
  expect(await ctx.db.all('SELECT * FROM events')).toEqual([]);
  const draws = Array.from({ length: 100 }, ctx.random);
  expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
  expect(new Set(draws).size).toBe(100);
  ctx.log.event('test.logged', { reason: 'because' });
  expect(readFileSync(paths.structuredLog, 'utf8')).toContain('"event":"test.logged","reason":"because"');
  await closeContext(ctx);
});

test('the configuration is the one named by option, then KLOROS_CONFIG, then what init kept, then in the home', async () => {
  expect(await experimentsOf()).toEqual(['in_home']);
  const kept = writeConfig(join(parent, 'kept.yaml'), 'kept');
  const db = await openSqlite(paths.database);
  await setMeta(db, CONFIG_FILE_KEY, kept);
  await db.close();
  expect(await experimentsOf()).toEqual(['kept']);
  const env = { KLOROS_CONFIG: writeConfig(join(parent, 'env.yaml'), 'from_env') };
  expect(await experimentsOf({ env })).toEqual(['from_env']);
  const configFile = writeConfig(join(parent, 'option.yaml'), 'option');
  expect(await experimentsOf({ env, configFile })).toEqual(['option']);
});

test('a named configuration that is not there is an error, not a reason to take the next one', async () => {
  await expect(open({ configFile: join(parent, 'nowhere.yaml') })).rejects.toMatchObject({
    code: 'KLR_E_CONFIG_MISSING',
    exit: 78,
  });
});

test('no home, an empty folder and a file are KLR_E_HOME_MISSING, and nothing is made', async () => {
  const empty = join(parent, 'empty');
  mkdirSync(empty);
  const file = join(parent, 'file');
  writeFileSync(file, '');
  for (const home of [join(parent, 'nowhere'), empty, file, join(file, 'below')])
    await expect(open({ home })).rejects.toMatchObject({ code: 'KLR_E_HOME_MISSING', exit: 78 });
  expect(readdirSync(empty)).toEqual([]);
  expect(existsSync(join(parent, 'nowhere'))).toBe(false);
});

test('a home may be reached through a symlink; its paths are the real ones', async () => {
  const link = join(parent, 'link');
  symlinkSync(paths.root, link);
  const ctx = await open({ home: link });
  expect(ctx.paths.root).toBe(paths.root);
  await closeContext(ctx);
});

test('looser modes are tightened and missing folders made, and both are logged', async () => {
  chmodSync(paths.root, 0o775);
  chmodSync(paths.intents, 0o2700);
  chmodSync(paths.database, 0o666);
  writeFileSync(paths.mode, 'enabled\n');
  chmodSync(paths.mode, 0o664);
  rmSync(paths.scratch, { recursive: true });
  await closeContext(await open());
  for (const folder of [paths.root, paths.intents, paths.scratch])
    expect(lstatSync(folder).mode & 0o7777, folder).toBe(0o700);
  for (const file of [paths.database, paths.mode]) expect(lstatSync(file).mode & 0o7777, file).toBe(0o600);
  const repaired = readFileSync(paths.structuredLog, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).path);
  expect(repaired.sort()).toEqual(
    [paths.root, paths.intents, paths.scratch, paths.database, paths.mode].sort(),
  );
});

test('stricter modes are left alone', async () => {
  chmodSync(paths.signals, 0o500);
  await closeContext(await open());
  expect(lstatSync(paths.signals).mode & 0o777).toBe(0o500);
});

test('where modes cannot be tightened, the home is refused', async () => {
  chmodSync(paths.phase, 0o777);
  const noModes = { ...fs, chmodSync: () => {} };
  await expect(open({ fs: noModes })).rejects.toMatchObject({
    code: 'KLR_E_HOME_UNSAFE',
    where: paths.phase,
  });
});

/** Puts a symlink to it in place of `path`. */
function moveOut(path: string): void {
  const outside = join(parent, 'outside');
  renameSync(path, outside);
  symlinkSync(outside, path);
}

test.for<[string, keyof HomePaths, (path: string) => void]>([
  ['a symlinked folder', 'phase', moveOut],
  ['a symlinked database', 'database', moveOut],
  [
    'a file in place of a folder',
    'logs',
    (path) => {
      rmSync(path, { recursive: true });
      writeFileSync(path, '');
    },
  ],
  ['a folder in place of the log', 'structuredLog', (path) => mkdirSync(path)],
])('%s is refused', async ([, where, put]) => {
  put(paths[where]);
  await expect(open()).rejects.toMatchObject({ code: 'KLR_E_HOME_UNSAFE', where: paths[where] });
});

test('what belongs to another user is refused; root may look, read-only', async ({ skip }) => {
  skip(process.getuid?.() !== 0, 'changing an owner needs root');
  await closeContext(await open());
  for (const path of [paths.database, paths.locks, paths.root]) {
    chownSync(path, 65534, 65534);
    await expect(open()).rejects.toMatchObject({ code: 'KLR_E_OWNER', where: path, exit: 78 });
  }
  expect(await experimentsOf({ readOnly: true })).toEqual(['in_home']);
});

test('a home of a newer version is refused and left as it is', async () => {
  const db = new DatabaseSync(paths.database);
  db.exec('PRAGMA user_version = 9999');
  db.close();
  const bytes = readFileSync(paths.database);
  const names = readdirSync(paths.root);
  for (const readOnly of [false, true])
    await expect(open({ readOnly })).rejects.toMatchObject({ code: 'KLR_E_HOME_NEWER', exit: 78 });
  await expect(createHome(paths.root, fs)).rejects.toMatchObject({ code: 'KLR_E_HOME_NEWER' });
  expect(readFileSync(paths.database).equals(bytes)).toBe(true);
  expect(readdirSync(paths.root).filter((name) => !/-(wal|shm)$/.test(name))).toEqual(names);
});

test('a damaged database is refused and left as it is', async () => {
  const junk = Buffer.alloc(8192, 'junk');
  writeFileSync(paths.database, junk);
  await expect(open()).rejects.toMatchObject({ code: 'KLR_E_HOME_DAMAGED', exit: 65 });
  expect(readFileSync(paths.database).equals(junk)).toBe(true);
});

test('read-only repairs nothing, logs nothing and writes nothing', async () => {
  await closeContext(await open());
  rmSync(paths.configCache, { force: true });
  rmSync(paths.structuredLog, { force: true });
  rmSync(paths.scratch, { recursive: true });
  chmodSync(paths.intents, 0o755);
  const copy = join(parent, 'copy.db');
  copyFileSync(paths.database, copy);
  const names = readdirSync(paths.root);
  const ctx = await open({ readOnly: true });
  ctx.log.event('test.logged');
  await expect(setMeta(ctx.db, 'a', 'b')).rejects.toMatchObject({ code: 'KLR_E_HOME_READ_ONLY' });
  await closeContext(ctx);
  expect(lstatSync(paths.intents).mode & 0o777).toBe(0o755);
  expect(existsSync(paths.structuredLog)).toBe(false);
  expect(readFileSync(paths.database).equals(readFileSync(copy))).toBe(true);
  expect(readdirSync(paths.root).filter((name) => !/-(wal|shm)$/.test(name))).toEqual(names);
});

test('a configuration that is wrong leaves the database closed', async () => {
  writeFileSync(join(paths.root, 'kloros.yaml'), 'version: 1\nexperimnts: {}\n');
  const descriptors = () => fs.readdirSync('/proc/self/fd').length;
  const before = descriptors();
  await expect(open()).rejects.toMatchObject({ code: 'KLR_E_CONFIG_INVALID' });
  expect(descriptors()).toBe(before);
});
