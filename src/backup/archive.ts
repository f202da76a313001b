/**
 * A backup is one file: the database of the home as SQLite copied it, and beside its tables one with the files. So it
 * can be looked into with any SQLite, and is checked by the same hashes as a home.
 */
import { isAbsolute, normalize } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { KlorosError } from '../errors.ts';
import { sha256Hex } from '../store/json.ts';

const FILES = 'backup_files';
const FACTS = 'backup_facts';

/** A file of a home. */
export interface ArchivedFile {
  /** Relative to the home. */
  readonly path: string;
  readonly content: Uint8Array;
}

/** What a backup says of itself. */
export interface BackupFacts {
  readonly schema: 'kloros.backup/v1';
  /** Milliseconds since the Unix epoch. */
  readonly takenAt: number;
  /** The home it was taken from. */
  readonly home: string;
  readonly host: string;
  /** Of the program that took it. */
  readonly version: string;
  /** Where kloros.yaml was, absolute, and its text; null when it could not be read. */
  readonly configFile: string;
  readonly config: string | null;
  readonly files: number;
}

/** Adds the table of files to a copied database. */
export function makeArchive(db: DatabaseSync): void {
  db.exec(`CREATE TABLE ${FILES} (path TEXT PRIMARY KEY, sha256 TEXT NOT NULL, content BLOB NOT NULL);
    CREATE TABLE ${FACTS} (facts TEXT NOT NULL);`);
}

export function archiveFile(db: DatabaseSync, { path, content }: ArchivedFile): void {
  db.prepare(`INSERT INTO ${FILES} VALUES (?, ?, ?)`).run(path, sha256Hex(content), content);
}

export function archiveFacts(db: DatabaseSync, facts: BackupFacts): void {
  db.prepare(`INSERT INTO ${FACTS} VALUES (?)`).run(JSON.stringify(facts));
}

export const damaged = (file: string, why: string, cause?: unknown): KlorosError =>
  new KlorosError('KLR_E_BACKUP_INVALID', `${file} is no sound backup: ${why}`, { where: file, cause });

/** @throws KLR_E_BACKUP_INVALID */
export function readFacts(db: DatabaseSync, file: string): BackupFacts {
  const table = db.prepare('SELECT name FROM sqlite_master WHERE name = ?').get(FACTS);
  const row = table && db.prepare(`SELECT facts FROM ${FACTS}`).get();
  if (!row) throw damaged(file, 'it does not say what it is a backup of');
  const facts = JSON.parse(String(row.facts)) as BackupFacts;
  if (facts.schema !== 'kloros.backup/v1') throw damaged(file, `its format ${facts.schema} is not known`);
  return facts;
}

/** The files, one after the other, each checked. @throws KLR_E_BACKUP_INVALID */
export function* archivedFiles(db: DatabaseSync, file: string): Generator<ArchivedFile> {
  for (const row of db.prepare(`SELECT path, sha256, content FROM ${FILES} ORDER BY path`).iterate()) {
    const path = String(row.path);
    const content = row.content as Uint8Array;
    if (isAbsolute(path) || normalize(path) !== path || path.startsWith('..') || path.includes('\0'))
      throw damaged(file, `${JSON.stringify(path)} is not a path inside a home`);
    if (sha256Hex(content) !== row.sha256) throw damaged(file, `${path} does not match its hash`);
    yield { path, content };
  }
}

/** Takes the tables of the backup out of a copy, which is a home's database then. */
export function stripArchive(db: DatabaseSync): void {
  db.exec(`DROP TABLE ${FILES}; DROP TABLE ${FACTS}; VACUUM;`);
}
