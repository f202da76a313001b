import { resolve } from 'node:path';
import { type FileSystem, nodeFileSystem } from '../files/filesystem.ts';
import type { Database } from '../store/database.ts';
import { getMeta } from '../store/meta.ts';
import { openSqlite } from '../store/sqlite.ts';
import { type HomePaths, homePaths } from './paths.ts';

/** The key in `meta` under which `kloros init` keeps the path of kloros.yaml. */
export const CONFIG_FILE_KEY = 'config_file';

interface Named {
  readonly configFile?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a person named: the option, else KLOROS_CONFIG. */
function named({ configFile, env }: Named): string | null {
  const file = configFile ?? env.KLOROS_CONFIG;
  return file ? resolve(file) : null;
}

/** The kloros.yaml of an open home: the first place that is named counts, whether or not a file is there. */
export async function configFileOf(paths: HomePaths, db: Database, options: Named): Promise<string> {
  return named(options) ?? resolve(paths.root, (await getMeta(db, CONFIG_FILE_KEY)) ?? 'kloros.yaml');
}

/** Where kloros.yaml is, with or without a home: what is named, what the home knows, else ./kloros.yaml. Writes nothing. */
export async function findConfigFile(
  home: string,
  options: Named,
  fs: FileSystem = nodeFileSystem,
): Promise<string> {
  const file = named(options);
  if (file !== null) return file;
  const paths = homePaths(resolve(home));
  if (!fs.existsSync(paths.database)) return resolve('kloros.yaml');
  const db = await openSqlite(paths.database, { readOnly: true });
  try {
    return await configFileOf(paths, db, options);
  } finally {
    await db.close();
  }
}
