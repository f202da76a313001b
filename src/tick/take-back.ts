import { applyBaseline } from '../baseline/apply.ts';
import { rollback } from '../baseline/rollback.ts';
import type { Baseline } from '../baseline/types.ts';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { deliverOutbox } from '../store/outbox.ts';
import { learnRollback } from './actions/learn-rollback.ts';
import { withBaselineLock } from './with-lock.ts';

/**
 * Rolls back under the baseline lock alone: it never waits for a search or an epoch. The content of an earlier version
 * (default: the one before) comes into force as a new version, and is applied.
 * @param ask.to a version, 0 for what the configuration declares
 * @throws KLR_E_LOCK_HELD, KLR_E_NOT_FOUND, KLR_E_APPLY_FAILED (the roll-back is committed, the target could not take it)
 */
export async function takeBack(
  ctx: Context,
  ask: { readonly to?: number | undefined; readonly actor: string; readonly reason: string },
): Promise<Baseline> {
  return withBaselineLock(ctx, `roll-back: ${ask.reason}`, async (lock) => {
    const after = await rollback(ctx, lock, ask, (tx, baseline) =>
      learnRollback(tx, ctx, baseline, ask.reason),
    );
    await deliverOutbox(ctx);
    const applied = await applyBaseline(ctx, after);
    if (applied.state === 'failed')
      throw new KlorosError(
        'KLR_E_APPLY_FAILED',
        `v${after.version}: ${applied.step} failed: ${applied.reason}`,
        {
          where: applied.experiment,
        },
      );
    return after;
  });
}
