import { join } from 'node:path';
import { readDropped } from '../files/read-safe.ts';
import { isSafeFileName } from '../files/safe-id.ts';
import { parseStrictJson } from '../files/strict-json.ts';
import type { ImportItem, ImportOutcome, ItemKind, OldHome } from './types.ts';

/** Files of the first system were small; its signals and manifests are smaller still. */
const MAX_BYTES = 2 * 2 ** 20;

type Refusal = Extract<ImportOutcome, { do: 'refuse' }>;

export const refuse = (code: Refusal['code'], reason: string, mend: string): Refusal => ({
  do: 'refuse',
  code,
  reason,
  mend,
});

const shell = (path: string) => `'${path.replaceAll("'", "'\\''")}'`;

/** How a person mends a file of the old home, in a copy: the old home itself stays as it is. */
export const mendFile = (path: string): string =>
  `"$EDITOR" ${shell(path)} && kloros import …   # or leave it behind`;

/** A file of the old home, whole; or why not. */
export function readOld(old: OldHome, path: string): { ok: true; text: string; bytes: Uint8Array } | Refusal {
  const read = readDropped(old.fs, path, { maxBytes: MAX_BYTES, uid: old.uid });
  if (read.ok) return { ok: true, text: read.text, bytes: read.bytes };
  const torn = read.code === 'encoding';
  return refuse(torn ? 'torn' : 'unreadable', read.reason, torn ? mendFile(path) : `ls -l ${shell(path)}`);
}

/** An object of a JSON file; or why it is none. */
export function readOldJson(
  old: OldHome,
  path: string,
): { ok: true; value: Readonly<Record<string, unknown>>; bytes: Uint8Array } | Refusal {
  const read = readOld(old, path);
  if ('do' in read) return read;
  const parsed = parseStrictJson(read.text);
  if (!parsed.ok) return refuse('torn', parsed.reason, mendFile(path));
  const { value } = parsed;
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return refuse('torn', 'it is no JSON object', mendFile(path));
  return { ok: true, value: value as Readonly<Record<string, unknown>>, bytes: read.bytes };
}

/** What a file of the home would become: copied, there already, or in the way. */
export function copyTo(old: OldHome, to: string, name: string, content: Uint8Array): ImportOutcome {
  if (!isSafeFileName(name))
    return refuse(
      'unsafe-name',
      `${JSON.stringify(name)} is no safe file name`,
      'rename it in a copy of the old home',
    );
  const path = join(to, name);
  if (!old.fs.lstatSync(path, { throwIfNoEntry: false })) return { do: 'copy', to: path, content };
  const there = readDropped(old.fs, path, { maxBytes: MAX_BYTES });
  if (there.ok && Buffer.compare(there.bytes, content) === 0) return { do: 'nothing' };
  return refuse('conflict', `the home has another ${name}`, `diff ${shell(path)} OLD`);
}

/** The names in a folder that end with `.json`, sorted; other entries are no part of the formats. */
export function jsonNames(old: OldHome, folder: string | null): string[] {
  if (folder === null) return [];
  return old.fs
    .readdirSync(folder)
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .sort();
}

/** Every JSON file of a folder, to be copied into one of the home. */
export function copyFolder(old: OldHome, kind: ItemKind, folder: string | null, to: string): ImportItem[] {
  return jsonNames(old, folder).map((name): ImportItem => {
    const source = join(folder ?? '', name);
    const read = readOldJson(old, source);
    return { kind, source, name, outcome: 'do' in read ? read : copyTo(old, to, name, read.bytes) };
  });
}
