/** One trial: a fresh database on disk under the settings, a second of the domain's workload, what came of it. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { openDatabase, type Settings } from './database.ts';

const ROWS = 50_000;
const VALUE_BYTES = 160;
const WARM_UP_MS = 100;
const MEASURE_MS = 600;
const SCAN_ROWS = 100;

interface Mix {
  readonly reads: number;
  readonly scans: number;
  readonly writes: number;
}

interface TrialContext {
  readonly seed: number;
  readonly domainArgs: Mix;
  /** A folder of the trial's own. */
  readonly scratch: string;
}

/** Uniform in [0, 1): mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function fill(db: DatabaseSync, random: () => number): void {
  db.exec('CREATE TABLE items (key INTEGER PRIMARY KEY, owner INTEGER NOT NULL, value TEXT NOT NULL)');
  const insert = db.prepare('INSERT INTO items VALUES (?, ?, ?)');
  const value = 'x'.repeat(VALUE_BYTES);
  db.exec('BEGIN');
  for (let key = 0; key < ROWS; key++) insert.run(key, Math.floor(random() * 1000), value);
  db.exec('COMMIT');
  db.exec('CREATE INDEX items_owner ON items (owner)');
  // The bulk load is not the workload: its write-ahead log must not count as the settings' file size.
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
}

/** A function that does one operation of the mix; eight keys of ten come from the hot fifth. */
function workload(db: DatabaseSync, mix: Mix, random: () => number): () => void {
  const read = db.prepare('SELECT value FROM items WHERE key = ?');
  const scan = db.prepare(
    `SELECT owner, COUNT(*), MAX(value) FROM items WHERE key BETWEEN ? AND ? GROUP BY owner ORDER BY 2 DESC LIMIT 10`,
  );
  const update = db.prepare('UPDATE items SET value = ?, owner = ? WHERE key = ?');
  const insert = db.prepare('INSERT INTO items (owner, value) VALUES (?, ?)');
  const key = () => Math.floor(random() * (random() < 0.8 ? ROWS / 5 : ROWS));
  const value = 'y'.repeat(VALUE_BYTES);
  return () => {
    const kind = random();
    if (kind < mix.reads) read.get(key());
    else if (kind < mix.reads + mix.scans) {
      const from = key();
      scan.all(from, from + SCAN_ROWS);
    } else if (random() < 0.7) update.run(value, Math.floor(random() * 1000), key());
    else insert.run(Math.floor(random() * 1000), value);
  };
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Runs operations for `ms` milliseconds; the time each took, in milliseconds. */
function runFor(ms: number, operation: () => void): Float64Array {
  const times: number[] = [];
  const end = performance.now() + ms;
  for (let before = performance.now(); before < end; ) {
    operation();
    const after = performance.now();
    times.push(after - before);
    before = after;
  }
  return Float64Array.from(times);
}

export function evaluate(params: Settings, context: TrialContext): Record<string, number> {
  const random = randomFrom(context.seed);
  const file = join(context.scratch, 'items.db');
  const db = openDatabase(file, params);
  fill(db, random);
  const operation = workload(db, context.domainArgs, random);
  runFor(WARM_UP_MS, operation);
  const times = runFor(MEASURE_MS, operation);
  const elapsed = times.reduce((sum, t) => sum + t, 0);
  const bytes = ['', '-wal', '-journal'].reduce(
    (sum, suffix) => sum + (statSync(file + suffix, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  db.close();
  return {
    throughput: (times.length / elapsed) * 1000,
    p99_ms: percentile(times.toSorted(), 0.99),
    file_mib: bytes / 2 ** 20,
  };
}
