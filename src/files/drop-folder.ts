import { join } from 'node:path';
import type { Context } from '../context.ts';
import { sha256Hex } from '../store/json.ts';
import type { FileSystem } from './filesystem.ts';
import { type ReadProblem, readDropped } from './read-safe.ts';
import { parseStrictJson } from './strict-json.ts';

/** A file that is being written for longer than this is torn, not late, ms. */
const YOUNG_MS = 1000;
/** How long a scan waits, once, for writers that do not rename, ms. */
const SECOND_CHANCE_MS = 250;
/** File systems date changes by ticks of up to two seconds. */
const SETTLED_MS = 2000;

/** What a look at a drop folder found. `mark` is kept for the next look, once all of `names` were dealt with. */
export type Look =
  | { readonly changed: false; readonly mark: string }
  | { readonly changed: true; readonly names: readonly string[]; readonly mark: string };

/** The folder's own stamp when it is old enough for a later change to give another one; '' before. */
function stampOf(fs: FileSystem, folder: string, now: number): string {
  const { ino, mtimeNs } = fs.statSync(folder, { bigint: true });
  return now - Number(mtimeNs / 1_000_000n) >= SETTLED_MS ? `${ino}:${mtimeNs}` : '';
}

/**
 * The visible *.json names of a drop folder, in its own order, when they are not those of the last look: a folder
 * whose modification time did not move is not even listed. Nothing is opened. A folder that is gone is empty.
 * @param now wall clock, ms
 * @param last the `mark` of the last complete look
 */
export function lookIntoFolder(fs: FileSystem, folder: string, now: number, last: string | undefined): Look {
  try {
    const stamp = stampOf(fs, folder, now);
    const [lastStamp, lastNames] = (last ?? '').split('|');
    if (last !== undefined && stamp !== '' && stamp === lastStamp) return { changed: false, mark: last };
    const names = fs.readdirSync(folder).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
    const hash = sha256Hex(names.join('/'));
    const mark = `${stamp}|${hash}`;
    return hash === lastNames ? { changed: false, mark } : { changed: true, names, mark };
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
    return { changed: true, names: [], mark: '' };
  }
}

export type Dropped =
  | { readonly state: 'read'; readonly value: unknown; readonly text: string; readonly sha256: string }
  /** It will never be readable. `text` when it was at least text. */
  | {
      readonly state: 'bad';
      readonly problem: ReadProblem | 'syntax';
      readonly reason: string;
      readonly text: string | null;
      readonly sha256: string | null;
    }
  | { readonly state: 'gone' }
  /** It is being written, or the system has no means to read it now: the next scan looks again. */
  | { readonly state: 'later'; readonly reason: string };

function readOnce(fs: FileSystem, path: string): Dropped {
  const read = readDropped(fs, path);
  if (read.ok) {
    const { text, sha256 } = read;
    const parsed = parseStrictJson(text);
    if (parsed.ok) return { state: 'read', value: parsed.value, text, sha256 };
    return { state: 'bad', problem: 'syntax', reason: parsed.reason, text, sha256 };
  }
  const { code, reason } = read;
  if (code === 'missing') return { state: 'gone' };
  // No permission stays so; no descriptors, no memory or a failing disk may pass.
  const passes = code === 'unreadable' && !/\((EACCES|EPERM)\)/.test(reason);
  if (code === 'changed' || passes) return { state: 'later', reason };
  return { state: 'bad', problem: code, reason, text: null, sha256: null };
}

function isYoung(ctx: Pick<Context, 'fs' | 'clock'>, path: string): boolean {
  try {
    return Math.abs(ctx.clock.now() - ctx.fs.lstatSync(path).mtimeMs) < YOUNG_MS;
  } catch {
    return false;
  }
}

/**
 * A reader of dropped JSON files for one scan. A file that was written within the last second and is no JSON yet gets
 * one second chance: the scan waits a quarter of a second, once, whatever the number of such files.
 */
export function dropReader(
  ctx: Pick<Context, 'fs' | 'clock'>,
  folder: string,
): (name: string) => Promise<Dropped> {
  let waited = false;
  return async (name) => {
    const path = join(folder, name);
    const first = readOnce(ctx.fs, path);
    if (waited || first.state !== 'bad' || first.problem !== 'syntax' || !isYoung(ctx, path)) return first;
    waited = true;
    await ctx.clock.sleep(SECOND_CHANCE_MS);
    return readOnce(ctx.fs, path);
  };
}
