import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { loadConfigCached } from '../config/cache.ts';
import type { Config } from '../config/schema.ts';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { type FileSystem, nodeFileSystem } from '../files/filesystem.ts';
import { explainFileError } from '../files/write-atomic.ts';
import { type Logger, structuredLogger } from '../log/structured.ts';
import { openSqlite } from '../store/sqlite.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import { checkHome } from './check.ts';
import { configFileOf } from './config-file.ts';
import { type HomePaths, homePaths } from './paths.ts';

export interface OpenOptions {
  /** The folder of the home; relative ones start at the working directory. */
  readonly home: string;
  /** kloros.yaml; without it KLOROS_CONFIG, the path that `kloros init` kept, `<home>/kloros.yaml`. */
  readonly configFile?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Nothing is repaired, migrated, logged or written; root may look into the home of another user. */
  readonly readOnly?: boolean;
  /** For tests and embedding. */
  readonly fs?: FileSystem;
  readonly clock?: Clock;
}

/** The paths of the home that stands in `root`. */
function findHome(root: string, fs: FileSystem): HomePaths {
  try {
    const paths = homePaths(fs.realpathSync(root));
    if (fs.lstatSync(paths.database, { throwIfNoEntry: false })) return paths;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw explainFileError(error, root);
  }
  throw new KlorosError('KLR_E_HOME_MISSING', `there is no home of KLoROS in ${root}`, { where: root });
}

/** Uniform in [0, 1) with the 48 bits of six random bytes. */
function systemRandom(): number {
  return randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
}

const silent: Logger = { event: () => {} };

/**
 * Opens a home: checks who owns it and tightens looser modes, opens (and migrates) the database, loads the
 * configuration through its cache.
 * @throws KLR_E_HOME_MISSING, KLR_E_HOME_UNSAFE, KLR_E_HOME_NEWER, KLR_E_HOME_READ_ONLY, KLR_E_HOME_DAMAGED,
 *   KLR_E_DISK_FULL, KLR_E_OWNER, KLR_E_CONFIG_MISSING, KLR_E_CONFIG_SYNTAX, KLR_E_CONFIG_INVALID
 */
export async function openContext(options: OpenOptions): Promise<Context> {
  const fs = options.fs ?? nodeFileSystem;
  const clock = options.clock ?? systemClock;
  const readOnly = options.readOnly ?? false;
  const paths = findHome(resolve(options.home), fs);
  const repaired = checkHome(paths, fs, { readOnly });
  const logOf = (limits?: Config['retention']) =>
    structuredLogger(
      fs,
      clock,
      paths.structuredLog,
      limits && { bytes: limits.log_size, files: limits.log_files, ageMs: limits.log_age },
    );
  for (const path of repaired) logOf().event('home.repaired', { path });
  const db = await openSqlite(paths.database, { readOnly });
  try {
    const configFile = await configFileOf(paths, db, options);
    const loaded = await loadConfigCached(configFile, paths.configCache, fs, { write: !readOnly });
    return {
      paths,
      configDir: loaded.dir,
      config: loaded.config,
      configHash: loaded.hash,
      db,
      clock,
      fs,
      log: readOnly ? silent : logOf(loaded.config.retention),
      random: systemRandom,
      env: options.env,
    };
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** Closes what `openContext` opened. */
export async function closeContext(ctx: Context): Promise<void> {
  await ctx.db.close();
}
