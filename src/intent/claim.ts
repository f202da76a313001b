import { join } from 'node:path';
import type { Context } from '../context.ts';
import { lookIntoFolder } from '../files/drop-folder.ts';
import { archiveName } from './archive.ts';

/** Files taken in one scan; the rest is the next one's. */
const AT_MOST = 1000;

/** A file that was taken out of intents/ and belongs to nobody else any more. */
export interface Claimed {
  readonly id: string;
  /** Its name in intents/. */
  readonly file: string;
  /** Its name in the folder of claimed files: id and file. */
  readonly name: string;
}

export function claimedFolder(ctx: Pick<Context, 'paths'>): string {
  return join(ctx.paths.processedIntents, 'claimed');
}

/** `20261124T031500Z-0003-f2a1c07b`: sorts by time and place in the scan. */
function newId(ctx: Pick<Context, 'clock' | 'random'>, number: number): string {
  const time = new Date(ctx.clock.now()).toISOString().replace(/[-:]|\.\d+/g, '');
  const tail = Math.floor(ctx.random() * 2 ** 32);
  return `${time}-${number.toString(16).padStart(4, '0')}-${tail.toString(16).padStart(8, '0')}`;
}

/** Files that a scan claimed before, and that a crash left. */
function claimedBefore(ctx: Pick<Context, 'fs' | 'paths' | 'clock'>): Claimed[] {
  const look = lookIntoFolder(ctx.fs, claimedFolder(ctx), ctx.clock.now(), undefined);
  return (look.changed ? look.names : []).flatMap((name) => {
    const [, id, file] = /^(\d{8}T\d{6}Z-[0-9a-f]{4}-[0-9a-f]{8})_(.+)$/.exec(name) ?? [];
    return id !== undefined && file !== undefined ? [{ id, file, name }] : [];
  });
}

/**
 * Takes files out of intents/ by renaming them, whatever they are: nobody can swap them from then on, a name may be
 * used again, and a crash leaves them where the next scan finds them.
 */
export function claimIntents(ctx: Pick<Context, 'clock' | 'fs' | 'log' | 'paths' | 'random'>): {
  claimed: Claimed[];
  left: number;
} {
  const claimed = claimedBefore(ctx);
  const look = lookIntoFolder(ctx.fs, ctx.paths.intents, ctx.clock.now(), undefined);
  const files = look.changed ? look.names.toSorted() : [];
  if (files.length === 0) return { claimed, left: 0 };
  const folder = claimedFolder(ctx);
  ctx.fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [number, file] of files.slice(0, AT_MOST).entries()) {
    const id = newId(ctx, number);
    const name = archiveName(id, file);
    try {
      ctx.fs.renameSync(join(ctx.paths.intents, file), join(folder, name));
      claimed.push({ id, file, name });
    } catch (error) {
      ctx.log.event('intent.stuck', { file, reason: String(error) });
    }
  }
  return { claimed, left: Math.max(0, files.length - AT_MOST) };
}
