import { applyBaseline } from '../../src/baseline/apply.ts';
import { commitPromotion } from '../../src/baseline/commit.ts';
import { currentBaseline } from '../../src/baseline/current.ts';
import type { Baseline } from '../../src/baseline/types.ts';
import { mergeParams, type Params } from '../../src/config/parameters.ts';
import type { Context } from '../../src/context.ts';
import type { Control } from '../../src/control.ts';
import { tryLock } from '../../src/lock/acquire.ts';
import type { HeldLock } from '../../src/lock/types.ts';
import type { Database } from '../../src/store/database.ts';
import { deliverOutbox } from '../../src/store/outbox.ts';

export async function takeBaselineLock(ctx: Context): Promise<HeldLock> {
  const attempt = await tryLock(ctx, 'baseline', { purpose: 'test', ttlMs: 60_000 });
  if (!attempt.acquired) throw new Error('the baseline lock is held');
  return attempt.lock;
}

export async function underBaselineLock<T>(ctx: Context, work: (lock: HeldLock) => Promise<T>): Promise<T> {
  const lock = await takeBaselineLock(ctx);
  try {
    return await work(lock);
  } finally {
    lock.release();
  }
}

/** As PHASE does: says what an epoch found of a promotion. */
export async function giveVerdict(ctx: Context, promotionId: string, verdict = 'accept'): Promise<void> {
  await ctx.db.run(
    'INSERT INTO verdicts (epoch_id, promotion_id, verdict, reason, statistics, ts) VALUES (?, ?, ?, ?, ?, ?)',
    'epoch-1',
    promotionId,
    verdict,
    'test',
    '{}',
    ctx.clock.now(),
  );
}

/** What a promotion of `changes` to the experiment `demo` asks of the commit. */
export async function commitRequest(ctx: Context, id: string, changes: Params) {
  const current = await currentBaseline(ctx.db, ctx.config);
  const experiment = ctx.config.experiments.demo;
  if (!experiment) throw new Error('no experiment demo');
  return {
    promotion: { id, experiment: 'demo' },
    params: mergeParams(experiment, current.params.demo ?? {}, changes),
    epochId: 'epoch-1',
    escrowId: null,
    actor: 'test',
    validatedAgainst: current.version,
  };
}

/** Commits a change that an epoch accepted, without its files and its apply. */
export async function commitOnly(
  ctx: Context,
  changes: Params,
  inTransaction?: (tx: Database, baseline: Baseline) => Promise<void>,
): Promise<Baseline> {
  const { version } = await currentBaseline(ctx.db, ctx.config);
  const id = `p${version + 1}`;
  await giveVerdict(ctx, id);
  const request = await commitRequest(ctx, id, changes);
  const result = await underBaselineLock(ctx, (lock) => commitPromotion(ctx, lock, request, inTransaction));
  if (result.state !== 'committed') throw new Error(result.reason);
  return result.baseline;
}

/** Commits a change, writes its files and applies it. */
export async function commitWhole(
  ctx: Context,
  changes: Params,
  inTransaction?: (tx: Database, baseline: Baseline) => Promise<void>,
): Promise<Baseline> {
  const baseline = await commitOnly(ctx, changes, inTransaction);
  await deliverOutbox(ctx);
  await applyBaseline(ctx, baseline);
  return baseline;
}

export const idleControl = (abort = new AbortController()): Control => ({
  abort: abort.signal,
  stopReason: () => null,
  progress: () => {},
});
