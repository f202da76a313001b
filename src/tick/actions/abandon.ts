import type { Context } from '../../context.ts';
import type { ErrorCode } from '../../errors.ts';
import { settle, settleIfOpen } from '../../promotion/ack.ts';
import { countInconclusive, getPromotion } from '../../promotion/records.ts';
import type { Database } from '../../store/database.ts';
import { fromJson } from '../../store/json.ts';
import { appendEvent } from '../../store/ledger.ts';
import { clearFailures, recordFailure } from '../retries.ts';

/** A search that failed: what it would have measured, and what it was, as far as it came. */
export interface FailedSearch {
  readonly experiment: string;
  /** The cycle, when there is one. */
  readonly cycle: string | null;
  readonly promotions: readonly { readonly id: string }[];
}

async function endCycle(tx: Database, ctx: Context, failed: FailedSearch, reason: string): Promise<void> {
  const now = ctx.clock.now();
  const { cycle, experiment } = failed;
  const ended = await tx.run(
    `UPDATE cycles SET state = 'failed', ended_at = ?, result = ?
     WHERE id = ? AND state IN ('running', 'paused')`,
    now,
    JSON.stringify({ state: 'failed', reason }),
    cycle,
  );
  const data = { state: 'failed', reason };
  if (ended > 0)
    await appendEvent(tx, { ts: now, kind: 'cycle.ended', subject: cycle ?? '', experiment, data });
}

/** A search that is not tried again is over, and every promotion that it should have measured is answered. */
export async function giveUpSearch(
  tx: Database,
  ctx: Context,
  failed: FailedSearch,
  reason: string,
): Promise<void> {
  await clearFailures(tx, `dream:${failed.experiment}`);
  await endCycle(tx, ctx, failed, reason);
  for (const { id } of failed.promotions)
    if ((await getPromotion(tx, id))?.state === 'received')
      await settle(tx, ctx, id, 'rejected', { reason: `could not be measured: ${reason}` });
}

/**
 * Counts a failed search, in the transaction that records it; after the last try it is given up, so that no promotion
 * is left that would start it again.
 * @param reason what went wrong, in words
 * @returns what follows, in words
 */
export async function countFailedSearch(
  tx: Database,
  ctx: Context,
  failed: FailedSearch,
  reason: string,
): Promise<string> {
  const key = `dream:${failed.experiment}`;
  const retry = await recordFailure(tx, key, ctx.clock.now(), ctx.config.retry);
  if (!retry.exhausted) return `failure ${retry.failures}, tried again later`;
  await giveUpSearch(tx, ctx, failed, reason);
  return `failure ${retry.failures}, not tried again`;
}

const TOO_SHORT: ErrorCode = 'KLR_E_PHASE_TOO_SHORT';

/** A candidate that a given up epoch left without a verdict: too many of those end it. */
async function leaveOpen(
  tx: Database,
  ctx: Context,
  id: string,
  epochId: string,
  reason: string,
): Promise<void> {
  if ((await getPromotion(tx, id))?.state !== 'screened') return;
  const attempts = await countInconclusive(tx, ctx, id, epochId, reason);
  if (attempts < ctx.config.phase.attempts) return;
  await settleIfOpen(tx, ctx, id, 'rejected', {
    reason: `could not be validated in ${attempts} epochs; the last: ${reason}`,
    epochId,
  });
}

/**
 * Counts a failed epoch, in the transaction that records it. When it is not tried again it ends, and each of its
 * candidates has had one of the epochs that may leave it open (`phase.attempts`).
 * @returns what follows, in words
 */
export async function countFailedEpoch(
  tx: Database,
  ctx: Context,
  id: string,
  reason: string,
): Promise<string> {
  const now = ctx.clock.now();
  const retry = await recordFailure(tx, `phase:${id}`, now, ctx.config.retry);
  if (!retry.exhausted) return `failure ${retry.failures}, tried again later`;
  const row = await tx.get<{ plan: string; state: string }>(
    'SELECT plan, state FROM epochs WHERE id = ?',
    id,
  );
  if (!row) return `failure ${retry.failures}`;
  if (row.state !== 'failed') {
    await tx.run("UPDATE epochs SET state = 'failed', ended_at = ? WHERE id = ?", now, id);
    await appendEvent(tx, { ts: now, kind: 'epoch.ended', subject: id, data: { state: 'failed', reason } });
  }
  const over = `failure ${retry.failures}, not tried again`;
  // The window has to be widened, which is nothing against its candidates: they wait until then, or expire.
  if (reason.startsWith(TOO_SHORT)) return over;
  const { request } = fromJson<{ request: { candidates: { promotionId: string }[] } }>(row.plan);
  for (const { promotionId } of request.candidates) await leaveOpen(tx, ctx, promotionId, id, reason);
  return over;
}
