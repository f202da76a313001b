import { KlorosError } from '../errors.ts';

export type ConfigPath = readonly (string | number)[];

/** A mistake in a configuration, by the path of the value, before it is known where in the file that stands. */
export interface ConfigProblem {
  readonly path: ConfigPath;
  /** Whether the key or the value is at fault. For a path that is not in the file the nearest parent is shown. */
  readonly at: 'key' | 'value';
  readonly message: string;
}

/** A mistake with its place in the file. */
export interface LocatedProblem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
  /** Dotted path, empty for the whole file. */
  readonly path: string;
  readonly message: string;
  /** The line itself. */
  readonly text: string;
}

const MOST_SHOWN = 100;
const WIDEST = 160;

/** The part of a line that is shown: all of it, or a stretch around the column of a very long one. */
function excerpt(text: string, column: number): { shown: string; before: string } {
  const start =
    text.length <= WIDEST ? 0 : Math.max(0, Math.min(column - 1 - WIDEST / 2, text.length - WIDEST));
  const clean = text.slice(start, start + WIDEST).replace(/[^\P{Cc}\t]/gu, '\uFFFD');
  return { shown: clean, before: clean.slice(0, column - 1 - start).replace(/[^\t]/g, ' ') };
}

/**
 * A problem as people and editors read it: `file:line:column: what`, the line itself, and a caret below the place.
 */
function renderProblem(problem: LocatedProblem): string {
  const { file, line, column, message, text } = problem;
  const { shown, before } = excerpt(text, column);
  const gutter = ' '.repeat(String(line).length);
  return `${file}:${line}:${column}: ${message}\n  ${line} | ${shown}\n  ${gutter} | ${before}^`;
}

/** All mistakes as one error, in the order of the file. */
export function problemsError(
  code: 'KLR_E_CONFIG_INVALID' | 'KLR_E_CONFIG_SYNTAX',
  problems: readonly LocatedProblem[],
): KlorosError {
  const shown = problems.slice(0, MOST_SHOWN).map(renderProblem);
  if (problems.length > MOST_SHOWN) shown.push(`… and ${problems.length - MOST_SHOWN} more`);
  const [first] = problems;
  return new KlorosError(
    code,
    shown.join('\n'),
    first && { where: `${first.file}:${first.line}:${first.column}` },
  );
}
