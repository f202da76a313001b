import { cannotRender, endOfLine, type Format } from './settings.ts';
import { setInTree } from './tree.ts';

/** Numbers keep their digits: 9007199254740993 and 1.0 of someone else's key are not ours to round. */
type RawJson = { rawJSON(text: string): unknown };
const { rawJSON } = JSON as unknown as RawJson;

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;
const keepDigits: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value;

function parse(text: string): unknown {
  try {
    return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
  } catch (error) {
    throw cannotRender(`the file is not JSON: ${(error as Error).message}`, error);
  }
}

/** JSON: every other key stays, in its order; the file's own indentation and last line ending too. */
export const renderJson: Format = (text, settings) => {
  const root = setInTree(text.trim() === '' ? {} : parse(text), settings);
  const indent =
    text.trim() === '' ? '  ' : (/^[ \t]+(?=")/m.exec(text)?.[0] ?? (/\n/.test(text.trim()) ? '  ' : ''));
  const ending = text === '' || /\n$/.test(text) ? '\n' : '';
  return (JSON.stringify(root, null, indent) + ending).replaceAll('\n', endOfLine(text));
};
