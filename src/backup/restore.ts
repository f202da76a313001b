import { copyFileSync, existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { repairFiles, verifyChain } from '../baseline/chain.ts';
import { KlorosError } from '../errors.ts';
import { type FileSystem, nodeFileSystem } from '../files/filesystem.ts';
import { keepAside } from '../files/keep-aside.ts';
import { explainFileError, writeAtomic } from '../files/write-atomic.ts';
import { CONFIG_FILE_KEY } from '../home/config-file.ts';
import { createHome } from '../home/create.ts';
import { type HomePaths, homePaths } from '../home/paths.ts';
import { lockIsHeld, readHolder } from '../lock/acquire.ts';
import type { LockName } from '../lock/types.ts';
import type { Database } from '../store/database.ts';
import { appendEvent, verifyLedger } from '../store/ledger.ts';
import { setMeta } from '../store/meta.ts';
import { deliverOutbox } from '../store/outbox.ts';
import { openSqlite } from '../store/sqlite.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import { archivedFiles, type BackupFacts, damaged, readFacts, stripArchive } from './archive.ts';

export interface RestoreOptions {
  /** The backup. */
  readonly file: string;
  /** Where the home is to stand. */
  readonly home: string;
  /** Takes the place of a home that stands there, which is kept as .bak. */
  readonly force?: boolean;
  readonly actor: string;
  readonly clock?: Clock;
}

export interface Restored {
  readonly home: string;
  readonly takenAt: number;
  readonly files: number;
  readonly events: number;
  readonly baselines: number;
  /** Where the home that stood there is now; null when there was none. */
  readonly kept: string | null;
  /** Where kloros.yaml is. */
  readonly configFile: string;
}

const HOLDERS: readonly LockName[] = ['daemon', 'orchestrator', 'baseline'];

/** @throws KLR_E_RESTORE_OCCUPIED, KLR_E_LOCK_HELD */
function refuseOccupied(fs: FileSystem, paths: HomePaths, force: boolean): boolean {
  const stat = fs.lstatSync(paths.root, { throwIfNoEntry: false });
  if (!stat || (stat.isDirectory() && fs.readdirSync(paths.root).length === 0)) return false;
  if (!force)
    throw new KlorosError('KLR_E_RESTORE_OCCUPIED', `${paths.root} is not empty`, { where: paths.root });
  const held = HOLDERS.find((name) => lockIsHeld(paths, name, fs));
  if (held === undefined) return true;
  const pid = readHolder(paths, held, fs)?.pid;
  throw new KlorosError('KLR_E_LOCK_HELD', `pid ${pid} works on ${paths.root} (the ${held} lock)`, {
    where: paths.root,
    hint: 'Stop it first: `kloros kill`, then `kloros service uninstall` or end the daemon.',
  });
}

/** Reads the whole backup once, before anything is written. @throws KLR_E_BACKUP_INVALID */
function checkBackup(file: string): BackupFacts {
  if (!existsSync(file)) throw damaged(file, 'it is not there');
  try {
    const db = new DatabaseSync(file, { readOnly: true });
    try {
      const facts = readFacts(db, file);
      const integrity = db.prepare('PRAGMA integrity_check(1)').get()?.integrity_check;
      if (integrity !== 'ok') throw damaged(file, String(integrity));
      const files = archivedFiles(db, file).reduce((count) => count + 1, 0);
      if (files !== facts.files) throw damaged(file, `it has ${files} files and speaks of ${facts.files}`);
      return facts;
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof KlorosError) throw error;
    throw damaged(file, error instanceof Error ? error.message : String(error), error);
  }
}

/** The database and the files, into a new home. */
async function unpack(fs: FileSystem, file: string, root: string): Promise<HomePaths> {
  fs.mkdirSync(root, { mode: 0o700 });
  const paths = homePaths(fs.realpathSync(root));
  fs.closeSync(fs.openSync(paths.database, 'wx', 0o600));
  copyFileSync(file, paths.database);
  fs.chmodSync(paths.database, 0o600);
  const db = new DatabaseSync(paths.database);
  try {
    for (const { path, content } of archivedFiles(db, file)) {
      fs.mkdirSync(dirname(join(paths.root, path)), { recursive: true, mode: 0o700 });
      writeAtomic(fs, join(paths.root, path), content);
    }
    stripArchive(db);
  } finally {
    db.close();
  }
  return createHome(root, fs);
}

/** kloros.yaml where the home expects it; else the copy of the backup, in the home. Its path. */
async function placeConfig(
  tx: Database,
  fs: FileSystem,
  paths: HomePaths,
  facts: BackupFacts,
): Promise<string> {
  if (fs.existsSync(facts.configFile) || facts.config === null) {
    await setMeta(tx, CONFIG_FILE_KEY, facts.configFile);
    return facts.configFile;
  }
  writeAtomic(fs, join(paths.root, 'kloros.yaml'), facts.config);
  await setMeta(tx, CONFIG_FILE_KEY, 'kloros.yaml');
  return 'kloros.yaml';
}

/** Makes a sound, disabled home of what was unpacked, and checks all of it. @throws KLR_E_BACKUP_INVALID */
async function settleIn(
  fs: FileSystem,
  paths: HomePaths,
  facts: BackupFacts,
  options: RestoreOptions,
): Promise<Pick<Restored, 'events' | 'baselines' | 'configFile'>> {
  const clock = options.clock ?? systemClock;
  const db = await openSqlite(paths.database);
  try {
    const ledger = await verifyLedger(db);
    if (!ledger.ok) throw damaged(options.file, `event ${ledger.seq}: ${ledger.reason}`);
    const configFile = await db.transaction(async (tx) => {
      const { takenAt, host, home } = facts;
      const data = { taken_at: takenAt, host, from: home, actor: options.actor };
      await appendEvent(tx, { ts: clock.now(), kind: 'home.restored', subject: 'home', data });
      return placeConfig(tx, fs, paths, facts);
    });
    // Two homes that act on one target would fight: a person enables the one that is to go on.
    writeAtomic(fs, paths.mode, 'disabled\n');
    const ctx = { db, fs, paths, clock };
    await repairFiles(ctx);
    await deliverOutbox(ctx);
    const chain = await verifyChain(ctx);
    if (!chain.ok) {
      const [problem] = chain.problems;
      throw damaged(options.file, `baseline v${problem?.version}: ${problem?.reason}`);
    }
    return { events: ledger.events, baselines: chain.versions, configFile };
  } finally {
    await db.close();
  }
}

/**
 * Makes a home of a backup: checked before anything is written, put together beside its place, verified, and moved in
 * with one rename. It is disabled.
 * @throws KLR_E_BACKUP_INVALID, KLR_E_RESTORE_OCCUPIED, KLR_E_LOCK_HELD, KLR_E_HOME_NEWER, KLR_E_DISK_FULL
 */
export async function restoreBackup(options: RestoreOptions, fs = nodeFileSystem): Promise<Restored> {
  const file = resolve(options.file);
  const root = resolve(options.home);
  const facts = checkBackup(file);
  const occupied = refuseOccupied(fs, homePaths(root), options.force ?? false);
  const beside = join(dirname(root), `.${basename(root)}.restore-${process.pid}`);
  try {
    fs.mkdirSync(dirname(root), { recursive: true });
    const settled = await settleIn(fs, await unpack(fs, file, beside), facts, { ...options, file });
    const kept = occupied ? keepAside(fs, root) : null;
    fs.renameSync(beside, root);
    const configFile = resolve(root, settled.configFile);
    return { ...settled, home: root, takenAt: facts.takenAt, files: facts.files, kept, configFile };
  } catch (error) {
    fs.rmSync(beside, { recursive: true, force: true });
    throw explainFileError(error, root);
  }
}
