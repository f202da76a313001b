import { isDeepStrictEqual, parseEnv } from 'node:util';
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

/**
 * A value in the quotes that shells, systemd and dotenv libraries read alike: none, single, or double for a value that
 * has single quotes in it.
 */
function quote(setting: Setting): string {
  refuseControl(setting);
  const text = String(setting.value);
  if (/^[A-Za-z0-9_.:/@%+,-]+$/.test(text)) return text;
  if (!text.includes("'") && !text.includes('\\')) return `'${text}'`;
  if (!/["$`\\]/.test(text)) return `"${text}"`;
  throw cannotRender(`${setting.key}: the value has no quoting that every reader of .env files agrees on`);
}

/** Indices of the lines that do not stand inside a quoted value of several lines. */
function openLines(lines: readonly string[]): Set<number> {
  const open = new Set<number>();
  let quote: string | undefined;
  lines.forEach((line, index) => {
    if (quote === undefined) {
      open.add(index);
      const start = /^\s*(?:export\s+)?[\w.-]+\s*=\s*(["'`])(.*)$/s.exec(line);
      if (start && !start[2]?.includes(start[1] ?? '')) quote = start[1];
    } else if (line.includes(quote)) quote = undefined;
  });
  return open;
}

function edit(text: string, { entries }: Settings, keepComment: boolean): string {
  const lines = splitLines(text);
  for (const setting of entries) {
    const mine = new RegExp(
      `^(\\s*(?:export\\s+)?${RegExp.escape(setting.key)}\\s*=\\s*)("[^"]*"|'[^']*'|.*?)(\\s+#.*)?$`,
      's',
    );
    const open = openLines(lines);
    const at = lines.flatMap((line, index) => (open.has(index) && mine.test(line) ? [index] : []));
    if (setting.value === null) for (const index of at.toReversed()) lines.splice(index, 1);
    else if (at.length === 0) lines.push(`${setting.key}=${quote(setting)}`);
    else
      for (const index of at)
        lines[index] = (lines[index] ?? '').replace(
          mine,
          (_all, head: string, _old, comment: string | undefined) =>
            `${head}${quote(setting)}${keepComment ? (comment ?? '') : ''}`,
        );
  }
  return lines.map((line) => line + endOfLine(text)).join('');
}

/** .env: lines of KEY=value are replaced, or added at the end; comments, `export` and every other line stay. */
export const renderEnv: Format = (text, settings) => {
  if (settings.section) throw cannotRender('a .env file has no sections');
  const bad = settings.entries.find(({ key }) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(key));
  if (bad) throw cannotRender(`${bad.key} is not a name of an environment variable; name another under keys`);
  const wanted: Record<string, string | undefined> = parseEnv(text);
  for (const { key, value } of settings.entries) {
    if (value === null) delete wanted[key];
    else wanted[key] = String(value);
  }
  return firstThatReads([() => edit(text, settings, true), () => edit(text, settings, false)], (candidate) =>
    isDeepStrictEqual(parseEnv(candidate), wanted),
  );
};
