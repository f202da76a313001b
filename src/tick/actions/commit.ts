import { applyBaseline } from '../../baseline/apply.ts';
import { commitPromotion } from '../../baseline/commit.ts';
import { currentBaseline } from '../../baseline/current.ts';
import { rollback } from '../../baseline/rollback.ts';
import type { Baseline } from '../../baseline/types.ts';
import { startWatch } from '../../baseline/watch.ts';
import { mergeParams } from '../../config/parameters.ts';
import { EXIT } from '../../errors.ts';
import { use, voidOpen } from '../../escrow/queue.ts';
import type { EscrowEntry } from '../../escrow/types.ts';
import type { HeldLock } from '../../lock/types.ts';
import { addCounter } from '../../metrics/counters.ts';
import { settle, settleIfOpen } from '../../promotion/ack.ts';
import { listPromotions } from '../../promotion/records.ts';
import type { Promotion } from '../../promotion/types.ts';
import type { Database } from '../../store/database.ts';
import { deliverOutbox } from '../../store/outbox.ts';
import { clearFailures } from '../retries.ts';
import { withBaselineLock } from '../with-lock.ts';
import { experimentOf } from './dream.ts';
import { learnRollback } from './learn-rollback.ts';
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

/** What belongs to a commit and happens in its transaction. */
async function settleCommit(
  tx: Database,
  run: Run,
  promotion: Promotion,
  evidence: Evidence,
  entry: EscrowEntry | null,
  baseline: Baseline,
): Promise<void> {
  const { ctx } = run;
  if (entry)
    await use(tx, ctx, entry.id, { contentSha256: entry.contentSha256, baseVersion: entry.baseVersion });
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

/** Applies a fresh baseline; what the target cannot take is taken back at once. */
async function applyOrTakeBack(run: Run, lock: HeldLock, baseline: Baseline): Promise<Done> {
  const { ctx } = run;
  const applied = await applyBaseline(ctx, baseline);
  if (applied.state === 'applied') {
    const files = applied.files.length > 0 ? `, applied to ${applied.files.join(', ')}` : '';
    return {
      outcome: 'BASELINE_COMMIT',
      reason: `${baseline.promotionId} is baseline v${baseline.version}${files}`,
    };
  }
  const reason = `${applied.step} failed: ${applied.reason}`;
  const back = await rollback(ctx, lock, { actor: 'kloros', reason });
  await deliverOutbox(ctx);
  await applyBaseline(ctx, back);
  await learnRollback(ctx, baseline.version);
  return {
    outcome: 'ROLLED_BACK',
    reason: `v${baseline.version} could not be applied, v${back.version} takes it back: ${reason}`,
    exit: EXIT.baseline,
  };
}

/** Commits a validated promotion as the next baseline, applies it, and begins to watch it. */
export async function commit(
  run: Run,
  promotion: Promotion,
  evidence: Evidence,
  entry: EscrowEntry | null,
): Promise<Done> {
  const { ctx } = run;
  const name = promotion.experiment ?? '';
  return withBaselineLock(ctx, `commit ${promotion.id}`, async (lock) => {
    const { params } = await currentBaseline(ctx.db, ctx.config);
    const result = await commitPromotion(
      ctx,
      lock,
      {
        promotion,
        params: mergeParams(experimentOf(ctx, name), params[name] ?? {}, promotion.changes),
        epochId: evidence.epochId,
        escrowId: entry?.id ?? null,
        actor: entry?.reviewer ?? 'kloros',
        validatedAgainst: evidence.baselineVersion,
      },
      (tx, baseline) => settleCommit(tx, run, promotion, evidence, entry, baseline),
    );
    if (result.state === 'moved') {
      await ctx.db.transaction(async (tx) => {
        await voidOpen(tx, ctx, promotion.id, result.reason);
        await settleIfOpen(tx, ctx, promotion.id, 'superseded', {
          reason: result.reason,
          epochId: evidence.epochId,
        });
        await markCarriedOut(tx, promotion.id, ctx.clock.now());
      });
      return { outcome: 'PROMOTION_REJECTED', reason: `${promotion.id}: ${result.reason}` };
    }
    await deliverOutbox(ctx);
    return applyOrTakeBack(run, lock, result.baseline);
  });
}
