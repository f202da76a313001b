import { stripVTControlCharacters, styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** How a command prints: data to stdout, everything else to stderr. */
export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Data: `value` as JSON with --json, else in words. The words are made of a copy without control characters. */
  data<T>(value: T, words: (value: T) => string): void;
  /** Data as JSON Lines with --json: a value a line, for what may be long. */
  lines<T>(values: readonly T[], words: (values: readonly T[]) => string): void;
  /** What a person should know beside the data; not with --quiet or --json. */
  note(words: string): void;
  /** Coloured where stdout is a terminal that wants colours. */
  paint(style: Style, words: string): string;
}

export type ColorChoice = 'auto' | 'always' | 'never';

/**
 * Control characters from outside (a promotion's text, an evaluator's output) never reach a terminal, nor do those that
 * turn the direction of writing and so can show another text than the one that counts.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '\ufffd');
}

/** JSON in one line; control characters beyond ASCII are escaped too, since JSON is read on terminals as well. */
export function jsonLine(value: unknown): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `${JSON.stringify(value).replace(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, escaped)}\n`;
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
      process.stdout.write(json ? jsonLine(value) : `${words(cleaned(value)).trimEnd()}\n`);
    },
    lines: (values, words) => {
      const text = json ? values.map(jsonLine).join('') : words(cleaned(values)).trimEnd();
      if (text !== '') process.stdout.write(json ? text : `${text}\n`);
    },
    note: (words) => {
      if (!quiet && !json) process.stderr.write(`${words}\n`);
    },
    paint: (style, words) => (color ? styleText(style, words, { validateStream: false }) : words),
  };
}

/** In one line, whatever it holds. */
const inLine = (text: string) => text.replaceAll(/\s*\n\s*/g, ' ');
/** How wide a text is shown. */
const widthOf = (text: string) => stripVTControlCharacters(text).length;
const padded = (text: string, width: number) => text + ' '.repeat(Math.max(0, width - widthOf(text)));

/** Where less than this is left for it, a last column goes below. */
const NARROWEST = 24;

/** Words in lines of at most `room`; one that is longer stays whole. */
function inLines(text: string, room: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    const fits = last !== undefined && widthOf(last) + 1 + widthOf(word) <= room;
    if (fits) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** `before` and `text`; what does not fit on a terminal is wrapped at words, below its first line or the whole. */
function wrapped(before: string, text: string): string {
  const columns = process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
  const room = columns - widthOf(before);
  if (widthOf(text) <= room) return (before + text).trimEnd();
  const below = room < NARROWEST;
  const start = below ? '    ' : ' '.repeat(widthOf(before));
  const lines = inLines(text, columns - start.length).join(`\n${start}`);
  return below ? `${before.trimEnd()}\n${start}${lines}` : before + lines;
}

/** Columns padded to the widest cell; the first row is the heading. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heading, ...rows].map((row) => row.map(inLine));
  const widths = heading.map((_, i) => Math.max(...lines.map((line) => widthOf(line[i] ?? ''))));
  return lines
    .map((line) => {
      const before = line.slice(0, -1).map((cell, i) => `${padded(cell, widths[i] ?? 0)}  `);
      return wrapped(before.join(''), line.at(-1) ?? '');
    })
    .join('\n');
}

/** Names and values, one a line, the names padded. */
export function pairs(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([name]) => widthOf(name)));
  return entries.map(([name, value]) => wrapped(`${padded(name, width)}  `, inLine(value))).join('\n');
}
