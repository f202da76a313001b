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

const LIMITS = { bytes: 10 * 1024 * 1024, files: 5 };

/** Control characters from outside never reach a log or a terminal. */
function clean(value: unknown): unknown {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
  return typeof value === 'string' ? value.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd') : value;
}

function rotate(fs: FileSystem, file: string, files: number): void {
  for (let n = files - 1; n >= 1; n--) {
    const from = n === 1 ? file : `${file}.${n - 1}`;
    if (fs.existsSync(from)) fs.renameSync(from, `${file}.${n}`);
  }
}

/** A logger that appends JSON lines to `file` and rotates it by size: file, file.1, … file.4, mode 0600. */
export function structuredLogger(fs: FileSystem, clock: Clock, file: string, limits = LIMITS): Logger {
  return {
    event(name, fields = {}) {
      try {
        const entry: Record<string, unknown> = { ts: new Date(clock.now()).toISOString(), event: name };
        for (const [key, value] of Object.entries(fields)) if (value !== undefined) entry[key] = clean(value);
        const fd = fs.openSync(file, 'a', 0o600);
        let size: number;
        try {
          fs.writeSync(fd, `${JSON.stringify(entry)}\n`);
          size = fs.fstatSync(fd).size;
        } finally {
          fs.closeSync(fd);
        }
        if (size > limits.bytes) rotate(fs, file, limits.files);
      } catch {
        // A full disk or a read-only home is reported by what needed it; the log line is lost.
      }
    },
  };
}
