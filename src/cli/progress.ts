import type { Progress } from '../control.ts';
import { printable } from './output.ts';
import { lengthOf } from './words.ts';

/** Without a terminal a line is printed at most this often, ms: a log is no place for an animation. */
const LOG_EVERY_MS = 5000;

export interface ProgressLine {
  show(progress: Progress): void;
  /** Leaves the last line in place and goes to the next. */
  end(): void;
}

function words(p: Progress): string {
  const left = p.leftMs === null ? '' : `, ${lengthOf(p.leftMs)} left`;
  return printable(`${p.stage} ${p.done}/${p.total}${left}: ${p.message}`);
}

/** Shows progress on stderr: one line that is rewritten on a terminal, one line now and then elsewhere. */
export function progressLine(quiet: boolean): ProgressLine {
  if (quiet) return { show: () => {}, end: () => {} };
  let shown = '';
  let last = Number.NEGATIVE_INFINITY;
  let stage = '';
  if (process.stderr.isTTY && process.env.TERM !== 'dumb')
    return {
      show: (p) => {
        shown = words(p).slice(0, (process.stderr.columns ?? 80) - 1);
        process.stderr.write(`\r\x1b[2K${shown}`);
      },
      end: () => {
        if (shown) process.stderr.write('\n');
        shown = '';
      },
    };
  return {
    show: (p) => {
      const now = performance.now();
      if (p.stage === stage && p.done < p.total && now - last < LOG_EVERY_MS) return;
      last = now;
      stage = p.stage;
      process.stderr.write(`${words(p)}\n`);
    },
    end: () => {},
  };
}
