import { KlorosError } from '../errors.ts';
import type { FileSystem } from '../files/filesystem.ts';
import { explainFileError } from '../files/write-atomic.ts';
import { openSqlite } from '../store/sqlite.ts';
import { checkHome, knownNames } from './check.ts';
import { type HomePaths, homePaths } from './paths.ts';

function listOrEmpty(fs: FileSystem, folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw explainFileError(error, folder);
  }
}

/** Throws when `root` holds what is not KLoROS's, or a history whose database is gone. */
function refuseForeign(paths: HomePaths, fs: FileSystem): void {
  const known = knownNames(paths);
  const foreign = listOrEmpty(fs, paths.root).find((name) => !known.has(name));
  if (foreign !== undefined)
    throw new KlorosError('KLR_E_HOME_FOREIGN', `${paths.root} is no home of KLoROS: it holds ${foreign}`, {
      where: paths.root,
    });
  // A new database would count baselines from 1 again, over those that are there.
  if (listOrEmpty(fs, paths.baselineVersions).length > 0)
    throw new KlorosError('KLR_E_HOME_DAMAGED', `${paths.root} holds baselines, but no kloros.db`, {
      where: paths.database,
    });
}

/** The database file, 0600 from its first byte: SQLite itself would leave the mode to the umask. */
async function createDatabase(paths: HomePaths, fs: FileSystem): Promise<void> {
  try {
    fs.closeSync(fs.openSync(paths.database, 'a', 0o600));
  } catch (error) {
    throw explainFileError(error, paths.database);
  }
  const db = await openSqlite(paths.database);
  await db.close();
}

/**
 * Makes a home: folders 0700, the database 0600 and last, so that a crash half-way leaves no home but a folder in
 * which `createHome` goes on. On a home it only mends what is missing or looser.
 * @throws KLR_E_HOME_FOREIGN when the folder holds something else, KLR_E_HOME_DAMAGED when a home lost its database,
 *   and what `checkHome` and `openSqlite` throw
 */
export async function createHome(root: string, fs: FileSystem): Promise<HomePaths> {
  try {
    fs.mkdirSync(root, { recursive: true, mode: 0o700 });
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST' || (error as { code?: string }).code === 'ENOTDIR')
      throw new KlorosError('KLR_E_HOME_FOREIGN', `${root} is not a folder`, { where: root, cause: error });
    throw explainFileError(error, root);
  }
  const paths = homePaths(fs.realpathSync(root));
  if (!fs.existsSync(paths.database)) refuseForeign(paths, fs);
  checkHome(paths, fs);
  await createDatabase(paths, fs);
  return paths;
}
