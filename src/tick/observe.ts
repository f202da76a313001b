import { currentBaseline } from '../baseline/current.ts';
import type { Context } from '../context.ts';
import { expireDue } from '../escrow/queue.ts';
import type { Mode } from '../home/mode.ts';
import { scanIntents } from '../intent/scan.ts';
import { scanPromotions } from '../promotion/scan.ts';
import { deliverOutbox } from '../store/outbox.ts';

/**
 * Reads the drop folders into the database, and writes files that an earlier decision still owes. In `observe` mode
 * nobody is answered, so nothing is read in.
 */
export async function observe(ctx: Context, mode: Mode): Promise<{ rejected: number }> {
  if (mode === 'observe') return { rejected: 0 };
  await deliverOutbox(ctx);
  const { version, params } = await currentBaseline(ctx.db, ctx.config);
  const promotions = await scanPromotions(ctx, { version, params });
  await scanIntents(ctx);
  await expireDue(ctx);
  await deliverOutbox(ctx);
  return { rejected: promotions.rejected };
}
