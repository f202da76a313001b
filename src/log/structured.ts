import type { FileSystem } from '../files/filesystem.ts';
import type { Clock } from '../time/clock.ts';

/** Fields of one line of logs/structured.jsonl beside `ts` and `event`. Absent values are left out. */
export interface LogFields {
  outcome?: string;
  reason?: string;
  duration_ms?: number;
  run_tag?: string;
  experiment?: string;
  version?: number;
  code?: string;
  [field: string]: string | number | boolean | null | undefined;
}

export interface Logger {
  /** Appends one line. Never throws: a log that cannot be written does not stop the loop. */
  event(name: string, fields?: LogFields): void;
}

/** How much is kept. */
export interface LogLimits {
  /** The present file is rotated beyond this size. */
  readonly bytes: number;
  /** Files that are kept, the present one included; at least 1. */
  readonly files: number;
  /** What is older goes with the next rotation, ms. */
  readonly ageMs: number;
}

const LIMITS: LogLimits = { bytes: 10 * 1024 * 1024, files: 5, ageMs: 30 * 86_400_000 };

/** Names of fields that hold what must not be read, whatever stands in them. */
const SECRET = /token|secret|password|passwd|authorization|api_?key|credential/i;
/** A user and password in an address. */
const CREDENTIALS = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi;

/** Control characters from outside never reach a log or a terminal, and no password does. */
function clean(name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  // A fencing token is a number, and no secret.
  if (SECRET.test(name)) return '***';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
  return value.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd').replace(CREDENTIALS, '$1***@');
}

const FIRST_TS = /^\{"ts":"([^"]+)"/;

/** When the first line of an open log was written, ms since the epoch; null when it does not say. */
function begun(fs: FileSystem, fd: number): number | null {
  const start = Buffer.alloc(64);
  const [, ts] = FIRST_TS.exec(start.toString('utf8', 0, fs.readSync(fd, start, 0, start.length, 0))) ?? [];
  const at = ts === undefined ? Number.NaN : Date.parse(ts);
  return Number.isNaN(at) ? null : at;
}

const named = (file: string, n: number) => (n === 0 ? file : `${file}.${n}`);

/** Moves each file one number on; what is beyond the number or older than the age that is kept, goes. */
function rotate(fs: FileSystem, file: string, { files, ageMs }: LogLimits, now: number): void {
  const last = (n: number): number => (fs.existsSync(named(file, n)) ? last(n + 1) : n);
  for (let n = last(0) - 1; n >= 0; n--) {
    const from = named(file, n);
    const tooOld = now - fs.statSync(from).mtimeMs > ageMs;
    if (n + 1 >= files || tooOld) fs.unlinkSync(from);
    else fs.renameSync(from, named(file, n + 1));
  }
}

/**
 * A logger that appends JSON lines to `file`, mode 0600, and rotates it by size and by age: file, file.1, …. Each file
 * spans its share of the age, so that what is older can go with a file.
 */
export function structuredLogger(fs: FileSystem, clock: Clock, file: string, limits = LIMITS): Logger {
  return {
    event(name, fields = {}) {
      try {
        const now = clock.now();
        const entry: Record<string, unknown> = { ts: new Date(now).toISOString(), event: name };
        for (const [key, value] of Object.entries(fields))
          if (value !== undefined) entry[key] = clean(key, value);
        const fd = fs.openSync(file, 'a+', 0o600);
        let full: boolean;
        try {
          fs.writeSync(fd, `${JSON.stringify(entry)}\n`);
          const age = now - (begun(fs, fd) ?? now);
          full = fs.fstatSync(fd).size > limits.bytes || age > limits.ageMs / limits.files;
        } finally {
          fs.closeSync(fd);
        }
        if (full) rotate(fs, file, limits, now);
      } catch {
        // A full disk or a read-only home is reported by what needed it; the log line is lost.
      }
    },
  };
}
