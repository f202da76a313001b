import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfigCached } from '../../src/config/cache.ts';
import { loadConfig } from '../../src/config/load.ts';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { sha256Hex } from '../../src/store/json.ts';
import { changed, newFolder, SOUND, writeConfig } from './config-file.ts';

const cacheIn = (home: string) => join(home, 'config.cache');

test('a cached configuration is the one that a full check gives, with the same origins', async () => {
  const file = writeConfig(SOUND);
  const cache = cacheIn(newFolder());
  await loadConfigCached(file, cache, nodeFileSystem);
  expect(statSync(cache).mode & 0o777).toBe(0o600);
  const cached = await loadConfigCached(file, cache, nodeFileSystem);
  const full = await loadConfig(file);
  expect({ ...cached, origins: cached.origins() }).toEqual({ ...full, origins: full.origins() });
});

test('a process that finds its cache loads neither the schema, nor the parser, nor the expressions', async () => {
  const file = writeConfig(SOUND);
  const cache = cacheIn(newFolder());
  await loadConfigCached(file, cache, nodeFileSystem);
  const script = `
    import { registerHooks } from 'node:module';
    import fs from 'node:fs';
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    const { loadConfigCached } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/config/cache.ts'))});
    const { config } = await loadConfigCached(process.argv[1], process.argv[2], fs);
    console.log(JSON.stringify({ zone: config.phase.window.zone, loaded }));`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script, file, cache], {
    encoding: 'utf8',
  });
  const { zone, loaded } = JSON.parse(out) as { zone: string; loaded: string[] };
  expect(zone).toBe('Europe/Berlin');
  expect(loaded.some((url) => url.endsWith('/config/cache.ts'))).toBe(true);
  expect(loaded.filter((url) => url.includes('/node_modules/'))).toEqual([]);
});

test('other content under the same size and time of change is checked again', async () => {
  const file = writeConfig(SOUND);
  const cache = cacheIn(newFolder());
  await loadConfigCached(file, cache, nodeFileSystem);
  const { atime, mtime, size } = statSync(file);
  writeFileSync(file, changed('high: 1024', 'high: 2048'));
  utimesSync(file, atime, mtime);
  expect(statSync(file).size).toBe(size);
  const { config } = await loadConfigCached(file, cache, nodeFileSystem);
  expect(config.experiments.demo?.parameters.cache).toMatchObject({ high: 2048 });
});

test('a mistake made after a good check is found, although the good check is cached', async () => {
  const file = writeConfig(SOUND);
  const cache = cacheIn(newFolder());
  await loadConfigCached(file, cache, nodeFileSystem);
  writeFileSync(file, changed('Europe/Berlin', 'Europe/Nowhere'));
  await expect(loadConfigCached(file, cache, nodeFileSystem)).rejects.toMatchObject({
    code: 'KLR_E_CONFIG_INVALID',
  });
});

test('a check for one home does not count for another: a target may be inside that one', async () => {
  const file = writeConfig(SOUND);
  const cache = cacheIn(newFolder());
  await loadConfigCached(file, cache, nodeFileSystem);
  const inside = cacheIn(join(file, '..', 'out'));
  await expect(loadConfigCached(file, inside, nodeFileSystem)).rejects.toThrow('inside the home');
});

test('a cache that is damaged anywhere is not used', async () => {
  const file = writeConfig(SOUND);
  const cache = cacheIn(newFolder());
  const { config } = await loadConfigCached(file, cache, nodeFileSystem);
  const good = readFileSync(cache);
  for (let at = 0; at < good.length; at += 97) {
    const bad = Buffer.from(good);
    bad[at] = (bad[at] ?? 0) ^ 1;
    writeFileSync(cache, bad);
    expect((await loadConfigCached(file, cache, nodeFileSystem)).config).toEqual(config);
  }
  for (const text of ['', 'x', '{}', `${sha256Hex('null')}\nnull`, `${sha256Hex('{}')}\n{}`]) {
    writeFileSync(cache, text);
    expect((await loadConfigCached(file, cache, nodeFileSystem)).config).toEqual(config);
  }
});

test('a home in which nothing can be written gives the configuration all the same', async () => {
  const file = writeConfig(SOUND);
  const cache = join(newFolder(), 'no', 'such', 'folder', 'config.cache');
  const loaded = await loadConfigCached(file, cache, nodeFileSystem);
  expect(loaded.config.version).toBe(1);
  expect(existsSync(cache)).toBe(false);
});

test('nothing is written when the caller only looks', async () => {
  const cache = cacheIn(newFolder());
  await loadConfigCached(writeConfig(SOUND), cache, nodeFileSystem, { write: false });
  expect(existsSync(cache)).toBe(false);
});
