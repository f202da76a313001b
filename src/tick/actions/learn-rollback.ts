import { getBaseline } from '../../baseline/current.ts';
import type { Baseline } from '../../baseline/types.ts';
import type { Context } from '../../context.ts';
import { lowerAutonomy } from '../../escrow/autonomy.ts';
import { learnFromRollback } from '../../heuristics/learn.ts';
import { getPromotion } from '../../promotion/records.ts';
import type { Database } from '../../store/database.ts';

/**
 * What the roll-back of a promotion teaches, in its transaction: the heuristics no longer search around it, and the
 * parameters that surprised lose a step of their autonomy.
 * @param after the version that took it back
 */
export async function learnRollback(
  tx: Database,
  ctx: Context,
  after: Baseline,
  reason: string,
): Promise<void> {
  const before = await getBaseline(tx, after.version - 1);
  // A roll-back of a roll-back is a person's choice, and no surprise.
  if (before?.kind !== 'promotion') return;
  const cause = { reason: `v${before.version} was taken back: ${reason}`, version: before.version };
  for (const [experiment, params] of Object.entries(before.params)) {
    const restored = after.params[experiment] ?? {};
    const names = new Set([...Object.keys(params), ...Object.keys(restored)]);
    const changed = [...names].filter((name) => params[name] !== restored[name]);
    await lowerAutonomy(tx, ctx, experiment, changed, cause);
  }
  const promotion = before.promotionId ? await getPromotion(tx, before.promotionId) : null;
  const params = promotion?.experiment ? before.params[promotion.experiment] : undefined;
  if (promotion?.experiment && params) await learnFromRollback(tx, ctx, promotion.experiment, params);
}
