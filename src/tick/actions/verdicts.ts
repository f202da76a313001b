import { mergeParams } from '../../config/parameters.ts';
import type { Context } from '../../context.ts';
import { learnFromVerdict } from '../../heuristics/learn.ts';
import type { CandidateVerdict } from '../../phase/types.ts';
import { settle } from '../../promotion/ack.ts';
import { countInconclusive, getPromotion } from '../../promotion/records.ts';
import type { Database } from '../../store/database.ts';
import { fromJson } from '../../store/json.ts';

/** A verdict with what it rests on. */
export interface Evidence {
  readonly epochId: string;
  readonly verdict: string;
  readonly reason: string;
  /** Relative gain as validated. */
  readonly gain: number;
  /** The domain that spoke against it; undefined when none did. */
  readonly rejectedIn: string | undefined;
  /** The smallest relative gain that could be seen of it; null: none. */
  readonly detectable: number | null;
  /** The baseline that the candidate was measured against. */
  readonly baselineVersion: number;
  readonly reportSha256: string | null;
}

/** The newest verdict on a promotion, or null. */
export async function newestEvidence(db: Database, promotionId: string): Promise<Evidence | null> {
  const row = await db.get<{
    epoch_id: string;
    verdict: string;
    reason: string;
    statistics: string;
    baseline_version: number;
    report_sha256: string | null;
  }>(
    `SELECT v.epoch_id, v.verdict, v.reason, v.statistics, e.baseline_version, e.report_sha256
     FROM verdicts v JOIN epochs e ON e.id = v.epoch_id WHERE v.promotion_id = ? ORDER BY v.ts DESC, v.epoch_id DESC LIMIT 1`,
    promotionId,
  );
  if (!row) return null;
  const {
    gain = 0,
    detectable = null,
    comparisons = [],
  } = fromJson<Partial<CandidateVerdict>>(row.statistics);
  const against = comparisons.find((c) => c.domain !== '*' && c.reason === row.reason);
  return {
    epochId: row.epoch_id,
    verdict: row.verdict,
    reason: row.reason,
    gain,
    rejectedIn: row.verdict === 'reject' ? against?.domain : undefined,
    detectable,
    baselineVersion: row.baseline_version,
    reportSha256: row.report_sha256,
  };
}

/** The verdicts on a promotion that are not carried out yet are from now on. */
export async function markCarriedOut(tx: Database, promotionId: string, now: number): Promise<void> {
  await tx.run(
    'UPDATE verdicts SET carried_out_at = ? WHERE promotion_id = ? AND carried_out_at IS NULL',
    now,
    promotionId,
  );
}

/** Tells the heuristics what came of a promotion in PHASE. */
export async function learn(
  tx: Database,
  ctx: Context,
  promotionId: string,
  evidence: Evidence,
): Promise<void> {
  const p = await getPromotion(tx, promotionId);
  const experiment = ctx.config.experiments[p?.experiment ?? ''];
  if (!p?.experiment || !experiment) return;
  await learnFromVerdict(tx, ctx, p.experiment, {
    accepted: evidence.verdict === 'accept',
    params: mergeParams(experiment, {}, p.changes),
    gain: evidence.gain,
    searchScore: p.searchScore,
    rejectedIn: evidence.rejectedIn,
    detectable: evidence.detectable,
  });
}

/** Ends a promotion that PHASE rejected, or counts an epoch that left it open; too many of those end it too. */
async function closeVerdict(tx: Database, ctx: Context, id: string, evidence: Evidence): Promise<void> {
  const { epochId, reportSha256: phaseSha, verdict } = evidence;
  await learn(tx, ctx, id, evidence);
  if (verdict === 'reject')
    return settle(tx, ctx, id, 'rejected', { reason: evidence.reason, epochId, phaseSha });
  const attempts = await countInconclusive(tx, ctx, id, epochId, evidence.reason);
  if (attempts < ctx.config.phase.attempts) return;
  const reason = `inconclusive in ${attempts} epochs; the last: ${evidence.reason}`;
  await settle(tx, ctx, id, 'rejected', { reason, epochId, phaseSha });
}

/** Carries out the verdict, or the refusal, that leaves the baseline as it is. */
export async function closePromotion(ctx: Context, id: string): Promise<string> {
  return ctx.db.transaction(async (tx) => {
    const promotion = await getPromotion(tx, id);
    const evidence = await newestEvidence(tx, id);
    if (promotion?.terminalAt === null && promotion.state !== 'escrowed' && evidence)
      await closeVerdict(tx, ctx, id, evidence);
    if (promotion?.terminalAt === null && promotion.state === 'escrowed') {
      const entry = await tx.get<{ state: string; reviewer: string | null; reason: string | null }>(
        'SELECT state, reviewer, reason FROM escrow WHERE promotion_id = ? ORDER BY requested_at DESC LIMIT 1',
        id,
      );
      const who =
        entry?.state === 'rejected'
          ? `refused by ${entry.reviewer}: ${entry.reason}`
          : `escrow ${entry?.state}`;
      const { epochId, reportSha256: phaseSha } = evidence ?? {};
      await settle(tx, ctx, id, entry?.state === 'rejected' ? 'refused' : 'expired', {
        reason: who,
        epochId,
        phaseSha,
      });
    }
    await markCarriedOut(tx, id, ctx.clock.now());
    return `${id}: ${evidence?.verdict ?? 'closed'}`;
  });
}
