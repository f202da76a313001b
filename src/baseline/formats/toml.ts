import { isDeepStrictEqual } from 'node:util';
import { parse, stringify, TomlError } from 'smol-toml';
import type { ParameterValue } from '../../config/schema.ts';
import {
  cannotRender,
  endOfLine,
  type Format,
  firstThatReads,
  type Setting,
  type Settings,
  splitLines,
} from './settings.ts';
import { sectionPath, setInTree, type Tree } from './tree.ts';

const read = (text: string): Tree => parse(text, { integersAsBigInt: true });

/** A float is written as one, 1.0: strictly typed readers ask for it. */
const shape = (value: ParameterValue, type: string): unknown =>
  typeof value === 'number' && type !== 'float' && Number.isInteger(value) ? BigInt(value) : value;
const pairOf = ({ key, type, value }: Setting): string =>
  stringify({ [key]: shape(value ?? '', type) }, { numbersAsFloat: true }).trimEnd();

/** The path of keys that a line opens or sets, read by the parser itself; null for a line that says nothing alone. */
function pathOf(line: string): string[] | null {
  let at: unknown;
  try {
    at = read(line);
  } catch {
    return null;
  }
  const path: string[] = [];
  while (at !== null && typeof at === 'object' && !Array.isArray(at)) {
    const [key] = Object.keys(at);
    if (key === undefined) break;
    path.push(key);
    at = (at as Tree)[key];
  }
  return path;
}

const isHeader = (line: string) => /^\s*\[/.test(line);
const isArrayHeader = (line: string) => /^\s*\[\[/.test(line);

/** The comment at the end of a line of `key = value`, with the space before it. */
function commentOf(line: string): string {
  const whole = read(line);
  for (let at = line.indexOf('#'); at !== -1; at = line.indexOf('#', at + 1)) {
    const before = line.slice(0, at);
    try {
      if (isDeepStrictEqual(read(before), whole)) return line.slice(before.trimEnd().length);
    } catch {
      // This # stands inside a text.
    }
  }
  return '';
}

/** Edits by line: the lines of the section that set a key are replaced, others are added at its end. */
function edit(text: string, settings: Settings): string {
  const lines = splitLines(text);
  const section = sectionPath(settings.section);
  const opens = (line: string) =>
    isHeader(line) && !isArrayHeader(line) && isDeepStrictEqual(pathOf(line), section);
  if (section.length > 0 && !lines.some(opens)) {
    if (lines.length > 0) lines.push('');
    lines.push(stringify(section.reduceRight<Tree>((inner, part) => ({ [part]: inner }), {})).trimEnd());
  }
  const start = section.length > 0 ? lines.findIndex(opens) + 1 : 0;
  for (const setting of settings.entries) {
    const next = lines.findIndex((line, index) => index >= start && isHeader(line));
    const end = next === -1 ? lines.length : next;
    const at = lines.findIndex(
      (line, index) => index >= start && index < end && isDeepStrictEqual(pathOf(line), [setting.key]),
    );
    if (at === -1 && setting.value === null) continue;
    if (at !== -1 && setting.value === null) lines.splice(at, 1);
    else if (at !== -1) lines[at] = `${pairOf(setting)}${commentOf(lines[at] ?? '')}`;
    else {
      let last = end;
      while (last > start && (lines[last - 1] ?? '').trim() === '') last--;
      lines.splice(last, 0, pairOf(setting));
    }
  }
  return lines.map((line) => line + endOfLine(text)).join('');
}

/** TOML: comments and layout stay where the settings stand on lines of their own; where not, only the data stays. */
export const renderToml: Format = (text, settings) => {
  let wanted: Tree;
  try {
    wanted = setInTree(read(text), settings, shape);
  } catch (error) {
    if (error instanceof TomlError)
      throw cannotRender(`the file is not TOML: ${error.message.split('\n')[0]}`, error);
    throw error;
  }
  const readsAsWanted = (candidate: string) => {
    try {
      return isDeepStrictEqual(plain(read(candidate)), plain(wanted));
    } catch {
      return false;
    }
  };
  return firstThatReads(
    [() => edit(text, settings), () => stringify(wanted, { numbersAsFloat: true })],
    readsAsWanted,
  );
};

/** Tables made here and tables that the parser made are the same, whatever their prototype. */
const plain = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && !(value instanceof Date)
    ? Array.isArray(value)
      ? value.map(plain)
      : new Map(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
    : value;
