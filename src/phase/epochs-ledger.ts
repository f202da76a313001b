import type { Context } from '../context.ts';
import type { FileSystem } from '../files/filesystem.ts';
import { writeAtomic } from '../files/write-atomic.ts';
import { canonicalJson } from '../store/json.ts';

/** So much of the end of epochs.jsonl is read at a tick: more than a year of nights. */
const TAIL_BYTES = 64 * 1024;
/** A date that is further ahead of the clock than this comes from a clock that was wrong, and blocks nothing. */
const AHEAD_DAYS = 7;

interface Line {
  readonly epoch_id: string;
  /** Local date of the window's start in its zone, ISO. */
  readonly date: string;
}

const ISO_DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Every line that says which epoch used which date; a torn or foreign line says nothing and hides no other. */
function parseLines(text: string): Line[] {
  return text.split('\n').flatMap((line) => {
    try {
      const value = JSON.parse(line) as Partial<Line> | null;
      const fits = typeof value?.epoch_id === 'string' && typeof value.date === 'string';
      return fits && ISO_DATE.test(value.date ?? '') ? [value as Line] : [];
    } catch {
      return [];
    }
  });
}

function readTail(fs: FileSystem, path: string): string {
  if (!fs.existsSync(path)) return '';
  const fd = fs.openSync(path, 'r');
  try {
    const { size } = fs.fstatSync(fd);
    const length = Math.min(size, TAIL_BYTES);
    const buffer = Buffer.alloc(length);
    return buffer.toString('utf8', 0, fs.readSync(fd, buffer, 0, length, size - length));
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * The latest local date that an epoch used, by the database and by epochs.jsonl with the lines of an earlier system;
 * forced epochs use none. Dates far ahead of `today` are left out.
 * @param today local date now, ISO
 */
export async function lastUsedDate(
  ctx: Pick<Context, 'db' | 'fs' | 'paths'>,
  today: string,
): Promise<string | null> {
  const latest = Temporal.PlainDate.from(today).add({ days: AHEAD_DAYS }).toString();
  const row = await ctx.db.get<{ date: string | null }>(
    'SELECT MAX(date) AS date FROM epochs WHERE forced = 0 AND date <= ?',
    latest,
  );
  const lines = parseLines(readTail(ctx.fs, ctx.paths.epochsLedger))
    .filter((line) => !('forced' in line && line.forced === true) && line.date <= latest)
    .map((line) => line.date);
  return [...lines, ...(row?.date ? [row.date] : [])].sort().at(-1) ?? null;
}

type EpochRow = {
  id: string;
  date: string;
  zone: string;
  forced: number;
  state: string;
  ended_at: number;
  baseline_version: number;
  report_sha256: string | null;
};

function lineOf(row: EpochRow): string {
  return canonicalJson({
    epoch_id: row.id,
    date: row.date,
    ts: Math.floor(row.ended_at / 1000),
    zone: row.zone,
    forced: row.forced === 1,
    state: row.state,
    baseline_version: row.baseline_version,
    sha256: row.report_sha256,
  });
}

/**
 * Writes the lines that processed/epochs.jsonl lacks, one for each epoch that ended for good. What stands there,
 * lines of an earlier system too, is kept byte for byte. Returns how many were added.
 * @throws KLR_E_DISK_FULL, KLR_E_HOME_READ_ONLY
 */
export async function syncEpochsLedger(ctx: Pick<Context, 'db' | 'fs' | 'paths'>): Promise<number> {
  const rows = await ctx.db.all<EpochRow>(
    `SELECT id, date, zone, forced, state, ended_at, baseline_version, report_sha256 FROM epochs
     WHERE state IN ('done', 'voided') ORDER BY ended_at, id`,
  );
  const path = ctx.paths.epochsLedger;
  const text = ctx.fs.existsSync(path) ? String(ctx.fs.readFileSync(path, 'utf8')) : '';
  const known = new Set(parseLines(text).map((line) => line.epoch_id));
  const missing = rows.filter((row) => !known.has(row.id)).map(lineOf);
  if (missing.length === 0) return 0;
  const kept = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  writeAtomic(ctx.fs, path, `${kept}${missing.join('\n')}\n`);
  return missing.length;
}
