import { applyBaseline } from '../../baseline/apply.ts';
import { commitPromotion } from '../../baseline/commit.ts';
import { currentBaseline } from '../../baseline/current.ts';
import { pruneBaselines } from '../../baseline/retention.ts';
import type { ApplyResult, Baseline } from '../../baseline/types.ts';
import { startWatch } from '../../baseline/watch-store.ts';
import { mergeParams, type Params } from '../../config/parameters.ts';
import { EXIT } from '../../errors.ts';
import { refuseFrozen } from '../../escrow/autonomy.ts';
import { use } from '../../escrow/decide.ts';
import { changeSha256 } from '../../escrow/entries.ts';
import { voidOpen } from '../../escrow/queue.ts';
import type { EscrowEntry } from '../../escrow/types.ts';
import { addCounter } from '../../metrics/counters.ts';
import { settle, settleIfOpen } from '../../promotion/ack.ts';
import { listPromotions } from '../../promotion/records.ts';
import type { Promotion } from '../../promotion/types.ts';
import type { Database } from '../../store/database.ts';
import { deliverOutbox } from '../../store/outbox.ts';
import { clearFailures } from '../retries.ts';
import { takeBack } from '../take-back.ts';
import { withBaselineLock } from '../with-lock.ts';
import { experimentOf } from './dream.ts';
import type { Done, Run } from './run.ts';
import { type Evidence, learn, markCarriedOut } from './verdicts.ts';

/** Others that were accepted against the same baseline: it has moved from under them. */
async function supersede(tx: Database, run: Run, winner: Promotion): Promise<void> {
  const others = await listPromotions(tx, {
    states: ['accepted', 'escrowed', 'approved'],
    experiment: winner.experiment ?? '',
  });
  for (const { id } of others) {
    if (id === winner.id) continue;
    await voidOpen(tx, run.ctx, id, `superseded by ${winner.id}`);
    await settleIfOpen(tx, run.ctx, id, 'superseded', { reason: `superseded by ${winner.id}` });
    await markCarriedOut(tx, id, run.ctx.clock.now());
  }
}

/** A promotion that is to be committed, with what allows it. */
interface Warrant {
  readonly promotion: Promotion;
  readonly evidence: Evidence;
  /** The approval, when a person had to decide. */
  readonly entry: EscrowEntry | null;
}

/** What belongs to a commit and happens in its transaction. */
async function settleCommit(
  tx: Database,
  run: Run,
  { promotion, evidence, entry }: Warrant,
  baseline: Baseline,
  from: Params,
): Promise<void> {
  const { ctx } = run;
  if (entry) {
    const experiment = promotion.experiment ?? '';
    const to = baseline.params[experiment] ?? {};
    const baseVersion = evidence.baselineVersion;
    const contentSha256 = changeSha256({ promotionId: promotion.id, experiment, from, to }, baseVersion);
    await use(tx, ctx, entry.id, { contentSha256, baseVersion });
  }
  const changed = Object.keys(promotion.changes).filter((name) => from[name] !== promotion.changes[name]);
  await refuseFrozen(tx, promotion.experiment ?? '', changed, promotion.id);
  await learn(tx, ctx, promotion.id, evidence);
  await settle(tx, ctx, promotion.id, 'committed', {
    reason: `baseline v${baseline.version}`,
    epochId: evidence.epochId,
    phaseSha: evidence.reportSha256,
  });
  await markCarriedOut(tx, promotion.id, ctx.clock.now());
  await supersede(tx, run, promotion);
  await startWatch(tx, ctx, baseline, promotion.experiment ?? '');
  await clearFailures(tx, `commit:${promotion.id}`);
  await addCounter(tx, 'kloros_baseline_commits_total', { kind: 'promotion' });
}

/** What the target could not take is taken back at once, under a token of its own: one commit a token. */
async function conclude(run: Run, baseline: Baseline, applied: ApplyResult): Promise<Done> {
  const { promotionId, version } = baseline;
  if (applied.state === 'applied') {
    const files = applied.files.length > 0 ? `, applied to ${applied.files.join(', ')}` : '';
    return { outcome: 'BASELINE_COMMIT', reason: `${promotionId} is baseline v${version}${files}` };
  }
  const reason = `${applied.step} failed: ${applied.reason}`;
  const back = await takeBack(run.ctx, { actor: 'kloros', reason });
  return {
    outcome: 'ROLLED_BACK',
    reason: `v${version} could not be applied, v${back.version} takes it back: ${reason}`,
    exit: EXIT.baseline,
  };
}

/** Commits a validated promotion as the next baseline, applies it, and begins to watch it. */
export async function commit(run: Run, warrant: Warrant): Promise<Done> {
  const { ctx } = run;
  const { promotion, evidence, entry } = warrant;
  const name = promotion.experiment ?? '';
  const done = await withBaselineLock(ctx, `commit ${promotion.id}`, async (lock) => {
    const { params } = await currentBaseline(ctx.db, ctx.config);
    const from = params[name] ?? {};
    const result = await commitPromotion(
      ctx,
      lock,
      {
        promotion,
        params: mergeParams(experimentOf(ctx, name), from, promotion.changes),
        epochId: evidence.epochId,
        escrowId: entry?.id ?? null,
        actor: entry?.reviewer ?? 'kloros',
        validatedAgainst: evidence.baselineVersion,
      },
      (tx, baseline) => settleCommit(tx, run, warrant, baseline, from),
    );
    await deliverOutbox(ctx);
    if (result.state === 'moved') return result;
    const applied = await applyBaseline(ctx, result.baseline);
    await pruneBaselines(ctx);
    return { ...result, applied };
  });
  return done.state === 'moved'
    ? closeMoved(run, promotion.id, evidence.epochId, done.reason)
    : conclude(run, done.baseline, done.applied);
}

/** What it was validated against is no longer in force. */
async function closeMoved(run: Run, id: string, epochId: string, reason: string): Promise<Done> {
  const { ctx } = run;
  await ctx.db.transaction(async (tx) => {
    await voidOpen(tx, ctx, id, reason);
    await settleIfOpen(tx, ctx, id, 'superseded', { reason, epochId });
    await markCarriedOut(tx, id, ctx.clock.now());
  });
  return { outcome: 'PROMOTION_REJECTED', reason: `${id}: ${reason}` };
}
