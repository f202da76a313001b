import { currentBaseline } from '../../baseline/current.ts';
import { mergeParams } from '../../config/parameters.ts';
import { KlorosError } from '../../errors.ts';
import { demotionsOf, lowerAutonomy } from '../../escrow/autonomy.ts';
import { openEntry } from '../../escrow/entries.ts';
import { request as requestEscrow } from '../../escrow/queue.ts';
import { escrowFindings } from '../../escrow/rules.ts';
import { userName } from '../../home/user.ts';
import { settleIfOpen } from '../../promotion/ack.ts';
import { getPromotion, moveState } from '../../promotion/records.ts';
import type { Promotion } from '../../promotion/types.ts';
import { deliverOutbox } from '../../store/outbox.ts';
import { pastVersions } from '../past-versions.ts';
import { recordFailure } from '../retries.ts';
import { isTroubleOfHome, wordsOf } from '../trouble.ts';
import type { Settlement } from '../types.ts';
import { commit } from './commit.ts';
import type { Done, Run } from './run.ts';
import { closePromotion, type Evidence, markCarriedOut, newestEvidence } from './verdicts.ts';

/** What the rules say of an accepted promotion: reasons for a person to decide, none when it may go on alone. */
async function findingsForEscrow(run: Run, promotion: Promotion, evidence: Evidence) {
  const { ctx } = run;
  const name = promotion.experiment ?? '';
  const experiment = ctx.config.experiments[name];
  const { params } = await currentBaseline(ctx.db, ctx.config);
  if (!experiment) throw new KlorosError('KLR_E_NOT_FOUND', `no experiment ${name}`, { where: promotion.id });
  const from = params[name] ?? {};
  const to = mergeParams(experiment, from, promotion.changes);
  const { gain } = evidence;
  const change = { experiment: name, from, to, gain, source: promotion.source, promotionId: promotion.id };
  const past = {
    now: ctx.clock.now(),
    demotions: await demotionsOf(ctx.db, name),
    versions: await pastVersions(ctx, name),
  };
  return { change, ...(await escrowFindings(ctx, change, past)) };
}

/** Who proposed a change: by its own word from outside, and the service itself for what it found. */
function requesterOf({ source, document }: Promotion): string {
  const { requested_by: named } = document;
  return source === 'external' && typeof named === 'string' && named.trim() !== ''
    ? named.trim()
    : userName();
}

async function escrow(
  run: Run,
  promotion: Promotion,
  evidence: Evidence,
  found: Awaited<ReturnType<typeof findingsForEscrow>>,
): Promise<Done> {
  const { ctx } = run;
  const id = await ctx.db.transaction(async (tx) => {
    const { change, reasons, flapping } = found;
    const baseVersion = evidence.baselineVersion;
    const requester = requesterOf(promotion);
    const asked = { promotion, requester, change, baseVersion, reasons, evidence };
    const entry = await requestEscrow(tx, ctx, asked);
    await lowerAutonomy(tx, ctx, change.experiment, flapping, {
      reason: `flaps: ${promotion.id} would bring an earlier value back`,
      version: baseVersion,
      freeze: true,
    });
    if (promotion.state === 'screened')
      await moveState(tx, ctx, promotion.id, 'accepted', {
        reason: evidence.reason,
        validatedGain: evidence.gain,
      });
    await moveState(tx, ctx, promotion.id, 'escrowed', { reason: reasons.join('; ') });
    await markCarriedOut(tx, promotion.id, ctx.clock.now());
    return entry;
  });
  return {
    outcome: 'ESCROWED',
    reason: `${promotion.id} waits for a person (${id}): ${found.reasons.join('; ')}`,
  };
}

/** Escrows the promotion, or commits it: alone, or with the approval that it has. */
async function advance(run: Run, id: string): Promise<Done> {
  const { ctx } = run;
  const promotion = await getPromotion(ctx.db, id);
  // It expired, or someone else answered it, before its verdict was carried out.
  if (promotion && promotion.terminalAt !== null)
    return { outcome: 'PROMOTION_REJECTED', reason: await closePromotion(ctx, id) };
  const evidence = await newestEvidence(ctx.db, id);
  if (!promotion || !evidence || evidence.verdict !== 'accept')
    throw new KlorosError('KLR_E_NOT_VALIDATED', `${id} has no verdict that accepts it`, { where: id });
  const entry = await openEntry(ctx.db, id);
  if (promotion.state === 'escrowed' && entry?.state === 'approved')
    return commit(run, { promotion, evidence, entry });
  const found = await findingsForEscrow(run, promotion, evidence);
  return found.reasons.length > 0
    ? escrow(run, promotion, evidence, found)
    : commit(run, { promotion, evidence, entry: null });
}

/** A commit that failed is tried again with growing pauses, then the promotion is rejected. */
async function recordCommitFailure(run: Run, id: string, error: unknown): Promise<void> {
  const { ctx } = run;
  if (isTroubleOfHome(error)) return;
  await ctx.db.transaction(async (tx) => {
    const retry = await recordFailure(tx, `commit:${id}`, ctx.clock.now(), ctx.config.retry);
    if (!retry.exhausted) return;
    await settleIfOpen(tx, ctx, id, 'rejected', { reason: `could not be committed: ${wordsOf(error)}` });
    await markCarriedOut(tx, id, ctx.clock.now());
  });
}

/** Carries out verdicts and decisions: closes those that change nothing, and escrows or commits at most one. */
export async function carryOut(run: Run, settlement: Settlement): Promise<Done> {
  const { ctx } = run;
  const closed: string[] = [];
  for (const id of settlement.close) closed.push(await closePromotion(ctx, id));
  await deliverOutbox(ctx);
  if (settlement.commit === null) return { outcome: 'PROMOTION_REJECTED', reason: closed.join('; ') };
  try {
    const done = await advance(run, settlement.commit);
    return { ...done, reason: [done.reason, ...closed].join('; ') };
  } catch (error) {
    await recordCommitFailure(run, settlement.commit, error);
    throw error;
  } finally {
    await deliverOutbox(ctx);
  }
}
