import { isDeepStrictEqual } from 'node:util';
import { parse, safe } from 'ini';
import {
  cannotRender,
  endOfLine,
  type Format,
  firstThatReads,
  refuseControl,
  type Setting,
  type Settings,
  splitLines,
} from './settings.ts';
import { setInTree } from './tree.ts';

const HEADER = /^\s*\[([^\]]*)\]\s*$/;

/** First and one past the last line of a section's body; null when the file has no such section. */
function bodyOf(lines: readonly string[], section: string | undefined): [number, number] | null {
  const isHeader = (line: string) => HEADER.test(line);
  const header = lines.findIndex(
    (line) => section !== undefined && HEADER.exec(line)?.[1]?.trim() === section,
  );
  if (section !== undefined && header === -1) return null;
  const end = lines.findIndex((line, index) => index > header && isHeader(line));
  return [header + 1, end === -1 ? lines.length : end];
}

/** Puts one setting into the body of its section; the end of the body, moved by what was added or removed. */
function place(
  lines: string[],
  [start, end]: [number, number],
  setting: Setting,
  keepComment: boolean,
): number {
  const mine = new RegExp(
    `^(\\s*${RegExp.escape(setting.key)}\\s*=\\s*)("(?:[^"\\\\]|\\\\.)*"|.*?)(\\s+[;#].*)?$`,
    's',
  );
  const at = lines.flatMap((line, index) =>
    index >= start && index < end && mine.test(line) ? [index] : [],
  );
  if (setting.value === null) {
    for (const index of at.toReversed()) lines.splice(index, 1);
    return end - at.length;
  }
  const value = safe(String(setting.value));
  for (const index of at)
    lines[index] = (lines[index] ?? '').replace(
      mine,
      (_all, head: string, _old, comment: string | undefined) =>
        `${head}${value}${keepComment ? (comment ?? '') : ''}`,
    );
  if (at.length > 0) return end;
  let last = end;
  while (last > start && (lines[last - 1] ?? '').trim() === '') last--;
  const equals = lines.slice(start, end).some((line) => /^\s*[^;#=\s][^=]*\s=/.test(line)) ? ' = ' : '=';
  lines.splice(last, 0, `${setting.key}${equals}${value}`);
  return end + 1;
}

function edit(text: string, { section, entries }: Settings, keepComment: boolean): string {
  const lines = splitLines(text);
  if (section !== undefined && bodyOf(lines, section) === null) {
    if (lines.length > 0) lines.push('');
    lines.push(`[${section}]`);
  }
  const [start, firstEnd] = bodyOf(lines, section) ?? [0, lines.length];
  let end = firstEnd;
  for (const setting of entries) end = place(lines, [start, end], setting, keepComment);
  return lines.map((line) => line + endOfLine(text)).join('');
}

/** What a reader gets, all values as text: INI has no types. */
const asText = (tree: unknown): unknown =>
  JSON.parse(JSON.stringify(tree), (_key, value) =>
    typeof value === 'object' && value !== null ? value : String(value),
  );

/** INI: lines of the section are replaced, or added at its end; comments, order and every other line stay. */
export const renderIni: Format = (text, settings) => {
  settings.entries.forEach(refuseControl);
  const bad = settings.entries.find(
    ({ key }) => !/^[^\s=;#[\]"'.\\][^=;#[\]"'\\]*$/.test(key) || key.trim() !== key,
  );
  if (bad) throw cannotRender(`${bad.key} is not a name that an INI file can hold; name another under keys`);
  const wanted = asText(setInTree(parse(text), settings, String));
  return firstThatReads([() => edit(text, settings, true), () => edit(text, settings, false)], (candidate) =>
    isDeepStrictEqual(asText(parse(candidate)), wanted),
  );
};
