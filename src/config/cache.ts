import { dirname, resolve } from 'node:path';
import type { FileSystem } from '../files/filesystem.ts';
import { writeAtomic } from '../files/write-atomic.ts';
import { sha256Hex } from '../store/json.ts';
import { VERSION } from '../version.ts';
import { type LoadedConfig, loadConfig, loadedConfig } from './load.ts';
import type { Config } from './schema.ts';
import { SCHEMA_STAMP } from './schema-stamp.ts';
import { readSource } from './source.ts';

interface Cached {
  /** What the check depended on; another key means another check. */
  readonly key: string;
  readonly config: Config;
  readonly lines: readonly (readonly [path: string, line: number])[];
}

/** The cached check under `key`; null when there is none, it is of something else, or it is damaged. */
function readCache(cachePath: string, key: string, fs: FileSystem): Cached | null {
  try {
    const text = fs.readFileSync(cachePath, 'utf8');
    const body = text.slice(65);
    if (text.slice(0, 65) !== `${sha256Hex(body)}\n`) return null;
    const cached = JSON.parse(body) as Cached;
    return cached.key === key ? cached : null;
  } catch {
    return null;
  }
}

function writeCache(cachePath: string, cached: Cached, fs: FileSystem): void {
  const body = JSON.stringify(cached);
  try {
    writeAtomic(fs, cachePath, `${sha256Hex(body)}\n${body}`);
  } catch {
    // A home that is full or read-only: the next process checks again, and whoever has to write says what is wrong.
  }
}

/**
 * `loadConfig` without parsing and without the schema when this version has checked these very bytes before: then it
 * costs two small reads and two hashes. `cachePath`, absolute and without links, is a file of the home, which is no place for a target. The file is
 * always read and hashed; its size and time of change, which can lie, decide nothing. With `write: false` a missing
 * cache is not written.
 * @throws what `loadConfig` throws
 */
export async function loadConfigCached(
  file: string,
  cachePath: string,
  fs: FileSystem,
  options: { readonly write?: boolean } = {},
): Promise<LoadedConfig> {
  const home = dirname(cachePath);
  const source = readSource(file, fs);
  const key = [VERSION, SCHEMA_STAMP, source.hash, source.realDir, resolve(file), home].join('\n');
  const cached = readCache(cachePath, key, fs);
  if (cached !== null) return loadedConfig(source, cached.config, new Map(cached.lines));
  const loaded = await loadConfig(file, { home, fs });
  if (loaded.hash === source.hash && options.write !== false)
    writeCache(cachePath, { key, config: loaded.config, lines: [...loaded.lines] }, fs);
  return loaded;
}
