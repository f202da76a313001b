import { currentBaseline } from '../baseline/current.ts';
import type { Context } from '../context.ts';
import { expireDue } from '../escrow/queue.ts';
import { lookIntoFolder } from '../files/drop-folder.ts';
import type { Mode } from '../home/mode.ts';
import { scanIntents } from '../intent/scan.ts';
import { scanPromotions } from '../promotion/scan.ts';
import { deliverOutbox } from '../store/outbox.ts';
import type { Snapshot } from './types.ts';

/** What the drop folders add to the snapshot beside what is in the database. */
export type Dropped = Pick<Snapshot, 'rejectedAtScan'> & {
  /** Only previewed: they are not in the database. */
  readonly received: Snapshot['received'];
  readonly intents: Snapshot['intents'];
};

/** What would be read in, in `observe` mode: nobody is answered, and nothing is recorded. */
async function preview(ctx: Context): Promise<Dropped> {
  const { previewPromotions } = await import('../promotion/preview.ts');
  const { received, rejected } = await previewPromotions(ctx, await currentBaseline(ctx.db, ctx.config));
  const intents = lookIntoFolder(ctx.fs, ctx.paths.intents, ctx.clock.now(), undefined);
  return { rejectedAtScan: rejected, received, intents: intents.changed ? intents.names : [] };
}

/** Reads the drop folders into the database, and writes files that an earlier decision still owes. */
export async function observe(ctx: Context, mode: Mode): Promise<Dropped> {
  if (mode === 'observe') return preview(ctx);
  await deliverOutbox(ctx);
  const { rejected } = await scanPromotions(ctx, await currentBaseline(ctx.db, ctx.config));
  await scanIntents(ctx);
  await expireDue(ctx);
  await deliverOutbox(ctx);
  return { rejectedAtScan: rejected, received: [], intents: [] };
}
