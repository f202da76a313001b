import type { Context } from '../context.ts';
import { dropReader, lookIntoFolder } from '../files/drop-folder.ts';
import type { BaselineInForce } from './check.ts';
import { judge } from './receive.ts';

/** So many new files are looked at in one preview. */
const AT_MOST = 100;

export interface Preview {
  /** New and sound, in the order of their names. */
  readonly received: readonly { readonly id: string; readonly experiment: string }[];
  /** New, and would be refused as read. */
  readonly rejected: number;
}

/** What a scan of promotions/ would come to; nothing is recorded and nobody is answered. */
export async function previewPromotions(ctx: Context, baseline: BaselineInForce): Promise<Preview> {
  const now = ctx.clock.now();
  const look = lookIntoFolder(ctx.fs, ctx.paths.promotions, now, undefined);
  const known = new Set(
    (await ctx.db.all<{ file: string }>('SELECT file FROM promotions')).map((row) => row.file),
  );
  const names = look.changed ? look.names.filter((name) => !known.has(name)).toSorted() : [];
  const read = dropReader(ctx, ctx.paths.promotions);
  const received: { id: string; experiment: string }[] = [];
  let rejected = 0;
  for (const file of names.slice(0, AT_MOST)) {
    const dropped = await read(file);
    if (dropped.state !== 'read' && dropped.state !== 'bad') continue;
    const { row, reason } = judge(ctx.config, baseline, { file, dropped }, now);
    if (reason === null && row.experiment !== null) received.push({ id: row.id, experiment: row.experiment });
    else rejected += 1;
  }
  return { received, rejected };
}
