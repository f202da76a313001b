import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { tryLock } from '../lock/acquire.ts';
import { outrun } from '../lock/fence.ts';
import type { HeldLock, LockName } from '../lock/types.ts';
import { addCounter } from '../metrics/counters.ts';

/** Between two tries of a lock that somebody holds for a moment, ms. */
const TRY_EVERY_MS = 100;

interface Wanted {
  readonly purpose: string;
  readonly ttlMs: number;
  /** How long to wait for a holder, ms; 0: not at all. */
  readonly waitMs?: number;
}

/**
 * Does `work` under a lock and frees it afterwards.
 * @throws KLR_E_LOCK_HELD when somebody holds it for longer than `waitMs`
 */
export async function withLock<T>(
  ctx: Context,
  name: LockName,
  wanted: Wanted,
  work: (lock: HeldLock) => Promise<T>,
): Promise<T> {
  const until = ctx.clock.monotonic() + (wanted.waitMs ?? 0);
  for (;;) {
    const attempt = await tryLock(ctx, name, wanted);
    if (attempt.acquired) {
      try {
        return await work(attempt.lock);
      } finally {
        attempt.lock.release();
      }
    }
    if (ctx.clock.monotonic() >= until) {
      await ctx.db.transaction((tx) => addCounter(tx, 'kloros_lock_contention_total', { lock: name }));
      const who = attempt.holder
        ? `pid ${attempt.holder.pid} (${attempt.holder.purpose})`
        : 'another process';
      throw new KlorosError('KLR_E_LOCK_HELD', `the ${name} lock is held by ${who}`, { where: name });
    }
    await ctx.clock.sleep(TRY_EVERY_MS);
  }
}

/** Longest time that a commit, an apply or a roll-back may take, ms; a holder past it may be outrun. */
const BASELINE_TTL_MS = 5 * 60_000;
/** How long a commit waits for another one, ms. */
const BASELINE_WAIT_MS = 10_000;

/**
 * Does `work` under the lock that every change of the baseline is made under. A holder that was stopped in the middle
 * and is past its time is outrun: the kernel's lock stays with it, but only the newer token commits from then on.
 */
export async function withBaselineLock<T>(
  ctx: Context,
  purpose: string,
  work: (lock: HeldLock) => Promise<T>,
): Promise<T> {
  const passed = await outrun(ctx, 'baseline');
  if (passed.outrun) {
    const { holder, token } = passed;
    return work({ name: 'baseline', token, holder: { ...holder, token }, release: () => {} });
  }
  return withLock(ctx, 'baseline', { purpose, ttlMs: BASELINE_TTL_MS, waitMs: BASELINE_WAIT_MS }, work);
}
