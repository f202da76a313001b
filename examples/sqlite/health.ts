/** Exit 0 when a database opened with settings.toml has those settings in force and works; 1 with the reason. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { openDatabase, readPragma, type Settings } from './database.ts';

const SYNCHRONOUS = ['off', 'normal', 'full', 'extra'];

const file = parse(readFileSync(process.argv[2] ?? 'settings.toml', 'utf8'));
const settings = file.sqlite as unknown as Settings;
const folder = mkdtempSync(join(tmpdir(), 'sqlite-health-'));
try {
  const db = openDatabase(join(folder, 'health.db'), settings);
  db.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)');
  const wrong = [
    ['page_size', settings.page_size],
    ['journal_mode', settings.journal_mode],
    ['synchronous', SYNCHRONOUS.indexOf(settings.synchronous)],
    ['cache_size', -settings.cache_size],
  ].filter(([name, wanted]) => readPragma(db, String(name)) !== wanted);
  db.close();
  if (wrong.length > 0) {
    console.error(`not in force: ${wrong.map(([name, wanted]) => `${name} = ${wanted}`).join(', ')}`);
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
