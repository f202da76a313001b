import { getBaseline } from '../../baseline/current.ts';
import type { Context } from '../../context.ts';
import { learnFromRollback } from '../../heuristics/learn.ts';
import { getPromotion } from '../../promotion/records.ts';

/** Tells the heuristics that version `version` was taken back, when a promotion had put it in force. */
export async function learnRollback(ctx: Context, version: number): Promise<void> {
  const baseline = await getBaseline(ctx.db, version);
  const promotion = baseline?.promotionId ? await getPromotion(ctx.db, baseline.promotionId) : null;
  const experiment = promotion?.experiment;
  const params = experiment ? baseline?.params[experiment] : undefined;
  if (!experiment || !params) return;
  await ctx.db.transaction((tx) => learnFromRollback(tx, ctx, experiment, params));
}
