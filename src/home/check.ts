import { join } from 'node:path';
import { KlorosError } from '../errors.ts';
import type { FileSystem } from '../files/filesystem.ts';
import { ownUid } from '../files/read-safe.ts';
import { explainFileError } from '../files/write-atomic.ts';
import type { HomePaths } from './paths.ts';

/** The folders of a home, a parent before what is in it. */
export function homeFolders(paths: HomePaths): string[] {
  return [
    paths.root,
    paths.locks,
    paths.intents,
    paths.promotions,
    paths.promotionAcks,
    paths.processed,
    paths.processedIntents,
    paths.signals,
    paths.baseline,
    paths.baselineVersions,
    paths.phase,
    paths.scratch,
    paths.logs,
  ];
}

/** Files that must be nobody else's; those that do not exist are not missed. */
export function homeFiles(paths: HomePaths): string[] {
  return [
    paths.database,
    `${paths.database}-wal`,
    `${paths.database}-shm`,
    `${paths.database}-journal`,
    paths.configCache,
    paths.mode,
    paths.structuredLog,
  ];
}

function unsafe(path: string, what: string): KlorosError {
  return new KlorosError('KLR_E_HOME_UNSAFE', `${path} ${what}`, { where: path });
}

/** Takes away what group and others may do; true when there was something. */
function repairMode(fs: FileSystem, path: string, mode: number, wanted: number): boolean {
  if ((mode & 0o7777 & ~wanted) === 0) return false;
  fs.chmodSync(path, wanted);
  const left = fs.lstatSync(path).mode & 0o7777;
  if ((left & ~wanted) === 0) return true;
  throw unsafe(path, `stays at mode ${left.toString(8)} though it was set to ${wanted.toString(8)}`);
}

function checkOwner(path: string, uid: number, readOnly: boolean): void {
  // Root may look, but what root writes the service user could not read any more.
  if (ownUid < 0 || uid === ownUid || (readOnly && ownUid === 0)) return;
  throw new KlorosError('KLR_E_OWNER', `${path} belongs to user ${uid}, this process is user ${ownUid}`, {
    where: path,
  });
}

/** True when the entry had to be made or tightened. */
function checkEntry(fs: FileSystem, path: string, kind: 'folder' | 'file', readOnly: boolean): boolean {
  const found = fs.lstatSync(path, { throwIfNoEntry: false });
  if (!found && (kind === 'file' || readOnly)) return false;
  // Another process may be making the same folder: recursive, so that this is no error.
  if (!found) fs.mkdirSync(path, { recursive: true, mode: 0o700 });
  const stat = found ?? fs.lstatSync(path);
  if (kind === 'folder' ? !stat.isDirectory() : !stat.isFile()) throw unsafe(path, `is no plain ${kind}`);
  checkOwner(path, stat.uid, readOnly);
  const tightened = !readOnly && repairMode(fs, path, stat.mode, kind === 'folder' ? 0o700 : 0o600);
  return !found || tightened;
}

/**
 * Holds a home to its promise: folders 0700, files 0600, all of them plain and of the user of this process. A folder
 * that is missing is made and a looser mode is tightened, unless `readOnly`. The root comes first: when it is closed,
 * nobody else can change what is checked after it.
 * @returns the paths that were repaired
 * @throws KLR_E_OWNER, KLR_E_HOME_UNSAFE, KLR_E_HOME_READ_ONLY, KLR_E_DISK_FULL
 */
export function checkHome(paths: HomePaths, fs: FileSystem, options: { readOnly?: boolean } = {}): string[] {
  const readOnly = options.readOnly ?? false;
  const entries = [
    ...homeFolders(paths).map((path) => ({ path, kind: 'folder' as const })),
    ...homeFiles(paths).map((path) => ({ path, kind: 'file' as const })),
  ];
  const repaired: string[] = [];
  for (const { path, kind } of entries) {
    try {
      if (checkEntry(fs, path, kind, readOnly)) repaired.push(path);
    } catch (error) {
      throw explainFileError(error, path);
    }
  }
  return repaired;
}

/** The names that may stand in a folder which is, or becomes, a home. */
export function knownNames(paths: HomePaths): Set<string> {
  const first = (path: string) => path.slice(join(paths.root, '/').length).split('/')[0] ?? '';
  const paths_ = [...homeFolders(paths).slice(1), ...homeFiles(paths), paths.killswitch, paths.epochsLedger];
  return new Set([...paths_.map(first), 'kloros.yaml', 'lost+found']);
}
