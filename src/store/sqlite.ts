import { accessSync, constants, statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { KlorosError } from '../errors.ts';
import type { Database, Row, SqlValue } from './database.ts';
import { MIGRATIONS } from './migrations.ts';

/** How long a statement waits for another connection's transaction, milliseconds. */
const BUSY_MS = 10_000;
/**
 * How much of that it waits inside SQLite at a time. The rest is waited outside: the process goes on meanwhile, and a
 * second connection of the same process can end the transaction that is waited for.
 */
const BUSY_STEP_MS = 5;
const SQLITE_BUSY = 5;

/** Does `work` again while another connection is in the way. */
async function patiently<T>(work: () => T): Promise<T> {
  const until = performance.now() + BUSY_MS;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== SQLITE_BUSY || performance.now() > until) throw error;
    }
    await sleep(BUSY_STEP_MS);
  }
}

/** Names what SQLite could not do, so that a full disk is not reported as a defect. */
function explain(error: unknown, path: string): unknown {
  const message = error instanceof Error ? error.message : String(error);
  const options = { where: path, cause: error };
  if (/disk is full|disk I\/O error/i.test(message))
    return new KlorosError('KLR_E_DISK_FULL', message, options);
  if (/readonly database|unable to open database/i.test(message))
    return new KlorosError('KLR_E_HOME_READ_ONLY', message, options);
  if (/malformed|not a database/i.test(message))
    return new KlorosError('KLR_E_HOME_DAMAGED', message, options);
  return error;
}

class SqliteDatabase implements Database {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();
  /** The end of the last transaction asked for: the next one starts after it. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  async #do<T>(work: () => T): Promise<T> {
    try {
      return await patiently(work);
    } catch (error) {
      throw explain(error, this.#path);
    }
  }

  async all<T extends Row>(sql: string, ...params: SqlValue[]): Promise<T[]> {
    return this.#do(() => this.#prepare(sql).all(...params) as T[]);
  }

  async get<T extends Row>(sql: string, ...params: SqlValue[]): Promise<T | undefined> {
    return this.#do(() => this.#prepare(sql).get(...params) as T | undefined);
  }

  async run(sql: string, ...params: SqlValue[]): Promise<number> {
    return this.#do(() => Number(this.#prepare(sql).run(...params).changes));
  }

  transaction<T>(work: (tx: Database) => Promise<T>): Promise<T> {
    const turn = this.#turn.then(() => this.#transact(work));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #transact<T>(work: (tx: Database) => Promise<T>): Promise<T> {
    await this.#do(() => this.#db.exec('BEGIN IMMEDIATE'));
    try {
      const result = await work(this.#inside());
      await this.#do(() => this.#db.exec('COMMIT'));
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** The same connection, without a transaction of its own: waiting for one inside would wait for ever. */
  #inside(): Database {
    return {
      all: (sql, ...params) => this.all(sql, ...params),
      get: (sql, ...params) => this.get(sql, ...params),
      run: (sql, ...params) => this.run(sql, ...params),
      transaction: () =>
        Promise.reject(new KlorosError('KLR_E_INTERNAL', 'a transaction inside a transaction')),
      close: () => Promise.reject(new KlorosError('KLR_E_INTERNAL', 'close inside a transaction')),
    };
  }

  async close(): Promise<void> {
    await this.#turn;
    this.#statements.clear();
    this.#db.close();
  }
}

function migrate(db: DatabaseSync, path: string, readOnly: boolean): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version > MIGRATIONS.length) {
    throw new KlorosError(
      'KLR_E_HOME_NEWER',
      `the home has schema ${version}, this program knows ${MIGRATIONS.length}`,
      { where: path },
    );
  }
  if (version === MIGRATIONS.length) return;
  if (readOnly)
    throw new KlorosError('KLR_E_HOME_READ_ONLY', `schema ${version} has to be migrated first`, {
      where: path,
    });
  db.exec('BEGIN EXCLUSIVE');
  try {
    // Another process may have migrated while this one waited.
    const now = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    for (const sql of MIGRATIONS.slice(now)) db.exec(sql);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function onReadOnlyMedia(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === 'EROFS';
  }
}

/** A log without a byte is what an attempt to open left that found no room for more. */
function logIsEmpty(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

/** Opens a file that is the whole database: there is no log beside it, and SQLite makes no index for one. */
function openWhole(path: string): DatabaseSync {
  const url = pathToFileURL(path);
  url.searchParams.set('immutable', '1');
  return new DatabaseSync(url, { readOnly: true });
}

async function prepare(db: DatabaseSync, path: string, readOnly: boolean): Promise<DatabaseSync> {
  try {
    // Where other processes do the same to a new database, SQLite does not wait for them by itself.
    if (!readOnly) await patiently(() => db.exec('PRAGMA journal_mode = WAL'));
    db.exec('PRAGMA synchronous = FULL');
    migrate(db, path, readOnly);
    db.exec(`PRAGMA busy_timeout = ${BUSY_STEP_MS}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Connects to a database file. On read-only media, and on a full disk, SQLite cannot make the index that belongs to its
 * log: who only looks, and finds no log, does without.
 */
async function connect(path: string, readOnly: boolean): Promise<DatabaseSync> {
  const whole = () => readOnly && logIsEmpty(path);
  if (whole() && onReadOnlyMedia(path)) return prepare(openWhole(path), path, readOnly);
  try {
    return await prepare(new DatabaseSync(path, { readOnly, timeout: BUSY_MS }), path, readOnly);
  } catch (error) {
    if (error instanceof KlorosError || !whole()) throw error;
    return prepare(openWhole(path), path, readOnly);
  }
}

/**
 * Opens, creates or migrates the database of a home (SQLite in WAL mode, synchronous=FULL).
 * @param path a file, or ':memory:' in tests
 * @throws KLR_E_HOME_NEWER, KLR_E_HOME_DAMAGED, KLR_E_HOME_READ_ONLY, KLR_E_DISK_FULL
 */
export async function openSqlite(path: string, options: { readOnly?: boolean } = {}): Promise<Database> {
  const readOnly = options.readOnly ?? false;
  try {
    return new SqliteDatabase(await connect(path, readOnly), path);
  } catch (error) {
    throw explain(error, path);
  }
}
