import { isDeepStrictEqual } from 'node:util';
import { type Document, isMap, isScalar, parseDocument, type Scalar, type YAMLMap } from 'yaml';
import type { ParameterValue } from '../../config/schema.ts';
import { plainDecimal, quotedText } from '../scalars.ts';
import {
  cannotRender,
  endOfLine,
  type Format,
  firstThatReads,
  type Setting,
  type Settings,
} from './settings.ts';
import { sectionPath, setInTree } from './tree.ts';

const open = (text: string): Document.Parsed => parseDocument(text, { intAsBigInt: true });

/** What the parser reads a value as: whole numbers as bigint, so that no one's long number is rounded. */
const shape = (value: ParameterValue, type: string): unknown =>
  typeof value === 'number' && type !== 'float' && Number.isInteger(value) ? BigInt(value) : value;

/** A value as text that YAML 1.1 and 1.2 readers take for the same: digits for numbers, quotes around all text. */
function inline({ type, value }: Setting): string {
  if (typeof value === 'string') return quotedText(value);
  if (typeof value !== 'number') return String(value);
  const digits = plainDecimal(value);
  return type === 'float' && !digits.includes('.') ? `${digits}.0` : digits;
}
const keyText = (key: string) => (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) ? key : quotedText(key));

function sectionOf(doc: Document.Parsed, section: string | undefined): YAMLMap | null {
  const path = sectionPath(section);
  const node = path.length === 0 ? doc.contents : doc.getIn(path, true);
  return isMap(node) ? node : null;
}

const pairOf = (map: YAMLMap, key: string) =>
  map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key);

/** `text` with one setting replaced, added or removed, and not a byte more changed; null when it stands in no simple place. */
function edit(text: string, section: string | undefined, setting: Setting): string | null {
  const map = sectionOf(open(text), section);
  if (!map?.range || map.flow) return null;
  const pair = pairOf(map, setting.key);
  const end = (from: number) => {
    const at = text.indexOf('\n', from);
    return at === -1 ? text.length : at + 1;
  };
  const startOfLine = (from: number) => text.lastIndexOf('\n', from - 1) + 1;
  if (pair) {
    const [key, value] = [pair.key as Scalar, pair.value];
    if (!isScalar(value) || !value.range || !key.range) return null;
    if (setting.value === null)
      return text.slice(0, startOfLine(key.range[0])) + text.slice(end(value.range[1]));
    // Whatever stands between the key and the value (a tag, an anchor, nothing at all) is read back below.
    const gap = value.range[0] === value.range[1] ? ' ' : '';
    return text.slice(0, value.range[0]) + gap + inline(setting) + text.slice(value.range[1]);
  }
  if (setting.value === null) return text;
  const last = map.items.at(-1)?.value as { range?: [number, number, number] } | null | undefined;
  if (!last?.range) return null;
  const from = last.range[1];
  const at = text[from - 1] === '\n' ? from : end(from);
  const first = (map.items[0]?.key as Scalar | undefined)?.range?.[0] ?? 0;
  const indent = text.slice(startOfLine(first), first);
  const eol = endOfLine(text);
  const joint = at > 0 && text[at - 1] !== '\n' ? eol : '';
  return `${text.slice(0, at)}${joint}${indent}${keyText(setting.key)}: ${inline(setting)}${eol}${text.slice(at)}`;
}

/** Through the parsed document: comments stay, the layout becomes the library's. */
function rewrite(text: string, settings: Settings): string {
  const doc = open(text);
  const path = sectionPath(settings.section);
  if (path.length > 0 && !isMap(doc.getIn(path, true))) doc.setIn(path, doc.createNode({}));
  for (const setting of settings.entries) {
    const at = [...path, setting.key];
    if (setting.value === null) doc.deleteIn(at);
    else doc.setIn(at, open(inline(setting)).contents);
  }
  return doc.toString({ lineWidth: 0 }).replaceAll('\n', endOfLine(text));
}

function parsed(text: string): Document.Parsed {
  const doc = open(text);
  const [error] = doc.errors;
  if (error) throw cannotRender(`the file is not YAML: ${error.message.split('\n')[0]}`, error);
  return doc;
}

function editAll(text: string, { section, entries }: Settings): string | null {
  return entries.reduce<string | null>(
    (edited, setting) => (edited === null ? null : edit(edited, section, setting)),
    text,
  );
}

/** YAML: comments, anchors and layout stay; only the values of the settings change. */
export const renderYaml: Format = (text, settings) => {
  const wanted = setInTree(parsed(text).toJS() ?? {}, settings, shape);
  return firstThatReads(
    [
      () => editAll(text, settings),
      // The library has made the places; the values are written as for every other file.
      () => editAll(rewrite(text, settings), settings),
      () => rewrite(text, settings),
    ],
    (candidate) => {
      const again = open(candidate);
      return again.errors.length === 0 && isDeepStrictEqual(again.toJS() ?? {}, wanted);
    },
  );
};
