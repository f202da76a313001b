import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** How a command prints: data to stdout, everything else to stderr. */
export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Data: `value` as JSON with --json, else in words. The words are made of a copy without control characters. */
  data<T>(value: T, words: (value: T) => string): void;
  /** What a person should know beside the data; not with --quiet or --json. */
  note(words: string): void;
  /** Coloured where stdout is a terminal that wants colours. */
  paint(style: Style, words: string): string;
}

export type ColorChoice = 'auto' | 'always' | 'never';

/** Control characters from outside (a promotion's text, an evaluator's output) never reach a terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
}

/** A copy in which every string is printable. */
function cleaned<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_key, inner: unknown) =>
    typeof inner === 'string' ? printable(inner) : inner,
  ) as T;
}

function wantsColor(choice: ColorChoice, env: Readonly<Record<string, string | undefined>>): boolean {
  if (choice !== 'auto') return choice === 'always';
  return Boolean(process.stdout.isTTY) && !env.NO_COLOR && env.TERM !== 'dumb';
}

export function makeOutput(options: { json: boolean; quiet: boolean; color: ColorChoice }): Output {
  const { json, quiet } = options;
  const color = wantsColor(options.color, process.env);
  return {
    json,
    quiet,
    data: (value, words) => {
      process.stdout.write(`${json ? JSON.stringify(value) : words(cleaned(value)).trimEnd()}\n`);
    },
    note: (words) => {
      if (!quiet && !json) process.stderr.write(`${words}\n`);
    },
    paint: (style, words) => (color ? styleText(style, words, { validateStream: false }) : words),
  };
}

/** Columns padded to the widest cell; the first row is the heading. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heading, ...rows].map((row) => row.map((cell) => cell.replaceAll('\n', ' ')));
  const widths = heading.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  return lines
    .map((line) =>
      line.map((cell, i) => (i === line.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  '),
    )
    .join('\n');
}

/** Names and values, one a line, the names padded. */
export function pairs(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
