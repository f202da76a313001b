import { closeSync, createReadStream, fstatSync, openSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fromJson } from '../store/json.ts';

export interface LogLine {
  /** ISO 8601, UTC. */
  readonly ts: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface LogFilter {
  /** Milliseconds since the Unix epoch. */
  readonly since?: number | undefined;
  readonly event?: string | undefined;
}

/** The line when it is one of the log's and passes the filter; a torn one is no line. */
function parseLine(text: string, filter: LogFilter): LogLine | null {
  try {
    const line = fromJson<LogLine>(text);
    if (typeof line.ts !== 'string' || typeof line.event !== 'string') return null;
    if (filter.since !== undefined && Date.parse(line.ts) < filter.since) return null;
    return filter.event === undefined || line.event === filter.event ? line : null;
  } catch {
    return null;
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** The log and its rotated files (file.2, file.1, file), oldest first. */
function filesOf(file: string): string[] {
  const folder = dirname(file);
  const numberOf = (name: string) => Number(name.slice(basename(file).length + 1));
  const names = exists(folder) ? readdirSync(folder) : [];
  const rotated = names.filter((name) => name.startsWith(`${basename(file)}.`) && numberOf(name) > 0);
  rotated.sort((a, b) => numberOf(b) - numberOf(a));
  return [...rotated.map((name) => join(folder, name)), file].filter(exists);
}

/** The lines of the log and of its rotated files, oldest first. */
export async function* readLog(file: string, filter: LogFilter): AsyncGenerator<LogLine> {
  for (const path of filesOf(file)) {
    for await (const text of createInterface({
      input: createReadStream(path),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      const line = parseLine(text, filter);
      if (line) yield line;
    }
  }
}

/** What was appended behind `from`, as far as whole lines go. */
async function readBehind(fd: number, from: number, end: number): Promise<{ lines: string[]; next: number }> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream('', { fd, start: from, end: end - 1, autoClose: false }))
    chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const whole = bytes.lastIndexOf('\n') + 1;
  return { lines: bytes.toString('utf8', 0, whole).split('\n').slice(0, -1), next: from + whole };
}

/**
 * Lines as they are appended from now on, until `signal` is aborted; goes on in the new file when the log is rotated.
 * @param options.everyMs between two looks
 */
export async function* followLog(
  file: string,
  filter: LogFilter,
  options: {
    readonly signal: AbortSignal;
    readonly sleep: (ms: number) => Promise<void>;
    readonly everyMs: number;
  },
): AsyncGenerator<LogLine> {
  let fd: number | null = null;
  let at = exists(file) ? statSync(file).size : 0;
  try {
    while (!options.signal.aborted) {
      if (fd === null && exists(file)) fd = openSync(file, 'r');
      if (fd !== null) {
        // Asked before the read: what was written until the rotation is in the old file.
        const rotated = statSync(file, { throwIfNoEntry: false })?.ino !== fstatSync(fd).ino;
        const { size } = fstatSync(fd);
        const { lines, next } = size > at ? await readBehind(fd, at, size) : { lines: [], next: at };
        at = next;
        for (const text of lines) {
          const line = parseLine(text, filter);
          if (line) yield line;
        }
        if (rotated) {
          closeSync(fd);
          [fd, at] = [null, 0];
          continue;
        }
      }
      await options.sleep(options.everyMs);
    }
  } finally {
    if (fd !== null) closeSync(fd);
  }
}
