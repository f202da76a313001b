import { constants } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import type { FileSystem } from '../files/filesystem.ts';
import { keepAside } from '../files/keep-aside.ts';
import { explainFileError, isTemporary } from '../files/write-atomic.ts';
import { configFileOf } from '../home/config-file.ts';
import { VERSION } from '../version.ts';
import { type ArchivedFile, archiveFacts, archiveFile, type BackupFacts, makeArchive } from './archive.ts';

interface BackupOptions {
  /** kloros.yaml when it was named by the caller. */
  readonly configFile?: string | undefined;
  /** Takes the place of a file that stands there, which is kept as .bak. */
  readonly force?: boolean;
}

/** The content of a plain file; null when it is none, or went away meanwhile. */
function readPlain(fs: FileSystem, path: string): Uint8Array | null {
  try {
    const fd = fs.openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return fs.fstatSync(fd).isFile() ? fs.readFileSync(fd) : null;
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENXIO') return null;
    throw error;
  }
}

/** The plain files at and below `path`. Links are not followed. */
function* filesBelow(fs: FileSystem, root: string, path: string): Generator<ArchivedFile> {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory())
    for (const name of fs.readdirSync(path).filter((entry) => !isTemporary(entry)))
      yield* filesBelow(fs, root, join(path, name));
  const content = stat?.isFile() ? readPlain(fs, path) : null;
  if (content !== null) yield { path: relative(root, path), content };
}

/** What decisions write: read while nobody can write, so that it tells the same story as the database. */
const decided = ({ paths: p }: Pick<Context, 'paths'>) => [
  p.baseline,
  p.promotions,
  p.promotionAcks,
  p.processed,
  p.signals,
  p.intents,
  p.mode,
  p.killswitch,
];
/** What is only ever added to, and may be large. */
const added = ({ paths: p }: Pick<Context, 'paths'>) => [p.phase, p.logs];

/** A connection that goes on seeing the database as it is now. */
function pinned(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true });
  db.exec('BEGIN');
  db.prepare('SELECT COUNT(*) FROM meta').get();
  return db;
}

/**
 * The files of decisions and a view of the database of one moment. Owed files are written inside transactions, so
 * while one is held the two agree; it is over before the long copy of the database begins.
 */
function oneMoment(ctx: Context): Promise<{ view: DatabaseSync; files: ArchivedFile[] }> {
  return ctx.db.transaction(async () => {
    const files = decided(ctx).flatMap((path) => [...filesBelow(ctx.fs, ctx.paths.root, path)]);
    return { view: pinned(ctx.paths.database), files };
  });
}

async function factsOf(ctx: Context, options: BackupOptions, files: number): Promise<BackupFacts> {
  const configFile = await configFileOf(ctx.paths, ctx.db, { ...options, env: ctx.env });
  const config = readPlain(ctx.fs, configFile);
  return {
    schema: 'kloros.backup/v1',
    takenAt: ctx.clock.now(),
    home: ctx.paths.root,
    host: hostname(),
    version: VERSION,
    configFile,
    config: config && Buffer.from(config).toString('utf8'),
    files,
  };
}

async function fill(ctx: Context, path: string, options: BackupOptions): Promise<BackupFacts> {
  const { view, files } = await oneMoment(ctx);
  try {
    await backup(view, path);
  } finally {
    view.close();
  }
  const db = new DatabaseSync(path);
  try {
    // One file, without a log beside it.
    db.exec('PRAGMA journal_mode = DELETE; BEGIN');
    makeArchive(db);
    let count = 0;
    const later = added(ctx).flatMap((folder) => filesBelow(ctx.fs, ctx.paths.root, folder).toArray());
    for (const file of [...files, ...later]) {
      archiveFile(db, file);
      count += 1;
    }
    const facts = await factsOf(ctx, options, count);
    archiveFacts(db, facts);
    db.exec('COMMIT');
    return facts;
  } finally {
    db.close();
  }
}

/**
 * Writes a consistent copy of a home into one file, mode 0600, while the loop goes on. Locks, scratch and caches are
 * left out.
 * @param file absolute, outside the home
 * @throws KLR_E_BACKUP_EXISTS, KLR_E_USAGE for a file inside the home, KLR_E_DISK_FULL, KLR_E_HOME_READ_ONLY
 */
export async function createBackup(
  ctx: Context,
  file: string,
  options: BackupOptions = {},
): Promise<BackupFacts & { readonly file: string; readonly bytes: number; readonly kept: string | null }> {
  const { fs, paths } = ctx;
  const target = resolve(file);
  if (`${target}/`.startsWith(`${paths.root}/`))
    throw new KlorosError('KLR_E_USAGE', `${target} is inside the home`, {
      where: target,
      hint: 'Name a file elsewhere.',
    });
  const occupied = fs.lstatSync(target, { throwIfNoEntry: false }) !== undefined;
  if (occupied && !options.force)
    throw new KlorosError('KLR_E_BACKUP_EXISTS', `${target} is there already`, { where: target });
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}`);
  try {
    fs.closeSync(fs.openSync(temporary, 'wx', 0o600));
    const facts = await fill(ctx, temporary, options);
    const kept = occupied ? keepAside(fs, target) : null;
    fs.renameSync(temporary, target);
    return { ...facts, file: target, bytes: fs.statSync(target).size, kept };
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw explainFileError(error, target);
  }
}
