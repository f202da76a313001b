import { constants, type Stats } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import type { FileSystem } from '../files/filesystem.ts';
import { type MetricsLines, metricsLines } from './metrics-lines.ts';
import type { TrialStep } from './types.ts';

const CHUNK = 64 * 1024;

/** Follows the metrics file of a running trial. */
export interface MetricsFile {
  /** Reads what was added since the last call; the steps in it. */
  poll(): TrialStep[];
  /** Reads the rest, when nothing writes any more. */
  end(): void;
  readonly lines: Pick<MetricsLines, 'metrics' | 'steps' | 'problem'>;
  /** More was written than allowed: nothing more is read. */
  readonly flooded: boolean;
}

/** Opens a regular file and nothing else: never follows a link, never waits on a FIFO. Null when it is not one. */
function openRegular(fs: FileSystem, path: string): { fd: number; stats: Stats } | null {
  let fd: number;
  try {
    fd = fs.openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  const stats = fs.fstatSync(fd);
  if (stats.isFile()) return { fd, stats };
  fs.closeSync(fd);
  return null;
}

/** A file that was put in place of the one before, or cut, is read from its start. */
export function followMetrics(fs: FileSystem, path: string, limit: number): MetricsFile {
  const buffer = Buffer.allocUnsafe(CHUNK);
  let lines = metricsLines();
  let decoder = new StringDecoder('utf8');
  let inode = 0;
  let offset = 0;
  let flooded = false;

  const restart = (stats: Stats) => {
    if (stats.ino === inode && stats.size >= offset) return;
    lines = metricsLines();
    decoder = new StringDecoder('utf8');
    inode = stats.ino;
    offset = 0;
  };
  const readRest = (fd: number): TrialStep[] => {
    const steps: TrialStep[] = [];
    for (;;) {
      const count = fs.readSync(fd, buffer, 0, CHUNK, offset);
      if (count === 0) return steps;
      offset += count;
      flooded ||= offset > limit;
      if (flooded) return steps;
      steps.push(...lines.add(decoder.write(buffer.subarray(0, count))));
    }
  };
  const poll = (): TrialStep[] => {
    if (flooded) return [];
    const opened = openRegular(fs, path);
    if (!opened) return [];
    try {
      restart(opened.stats);
      return readRest(opened.fd);
    } finally {
      fs.closeSync(opened.fd);
    }
  };
  return {
    poll,
    end() {
      poll();
      lines.end();
    },
    get lines() {
      return lines;
    },
    get flooded() {
      return flooded;
    },
  };
}
