import type { WatchConfig } from '../config/schema.ts';
import type { Context } from '../context.ts';
import type { Control } from '../control.ts';
import { KlorosError } from '../errors.ts';
import type { HeldLock } from '../lock/types.ts';
import { addCounter } from '../metrics/counters.ts';
import type { Database } from '../store/database.ts';
import { appendEvent } from '../store/ledger.ts';
import { deliverOutbox } from '../store/outbox.ts';
import type { Executor } from '../trial/types.ts';
import { applyBaseline } from './apply.ts';
import { checkHealth } from './check-health.ts';
import { rollback } from './rollback.ts';
import type { WatchHooks, WatchResult } from './types.ts';
import { dueWatch, failWatch, saveWatch, type Watch, withCheck } from './watch-store.ts';

export { activeWatch, dueWatch, startWatch } from './watch-store.ts';

/** Runs `work` under the baseline lock. @throws KLR_E_LOCK_HELD when another process has it */
export type WithBaselineLock = <T>(work: (lock: HeldLock) => Promise<T>) => Promise<T>;

type Judgement = { readonly state: 'watching' | 'kept' | 'bad'; readonly reason: string };

/** Past its deadline. Where the clock was set back to before its start, the checks tell how long it has been watched. */
function isOver(watch: Watch, now: number): boolean {
  if (now >= watch.startedAt) return now >= watch.deadline;
  return (watch.checks + watch.unknown) * watch.intervalMs >= watch.deadline - watch.startedAt;
}

/**
 * What the checks up to now come to. Kept: the deadline has passed, the last check passed, and enough did. Bad: too
 * many failed in a row, or past the deadline nothing can be measured any more. One flap is neither.
 */
export function judge(watch: Watch, config: WatchConfig, now: number): Judgement {
  const last = watch.history.at(-1);
  const reason = last?.reason ?? 'not checked yet';
  if (watch.failures >= config.failures)
    return { state: 'bad', reason: `${watch.failures} checks in a row failed: ${reason}` };
  const over = isOver(watch, now);
  if (over && last?.result === 'healthy' && watch.checks >= config.checks)
    return { state: 'kept', reason: `${watch.checks} checks passed: ${reason}` };
  if (over && watch.unknown >= config.failures + config.checks)
    return { state: 'bad', reason: `${watch.unknown} checks in a row could not measure it: ${reason}` };
  const left = over ? 'past its deadline' : `${Math.ceil((watch.deadline - now) / 1000)} s left`;
  return {
    state: 'watching',
    reason: `${watch.checks} passed, ${watch.failures} in a row failed, ${left}: ${reason}`,
  };
}

async function record(tx: Database, watch: Watch, judgement: Judgement, now: number): Promise<void> {
  const last = watch.history.at(-1);
  await addCounter(tx, 'kloros_watch_checks_total', { result: last?.result ?? 'unknown' });
  const kind = { watching: 'watch.checked', kept: 'watch.kept', bad: 'watch.failed' }[judgement.state];
  await appendEvent(tx, {
    ts: now,
    kind,
    subject: String(watch.version),
    experiment: watch.experiment,
    data: {
      version: watch.version,
      result: last?.result ?? 'unknown',
      checks: watch.checks,
      failures: watch.failures,
      reason: judgement.reason,
    },
  });
}

/** Takes the watched version back and applies what was in force before. */
async function takeBack(
  ctx: Context,
  watch: Watch,
  judgement: Judgement,
  withLock: WithBaselineLock,
  hooks: WatchHooks,
): Promise<WatchResult> {
  const { version } = watch;
  return withLock(async (lock): Promise<WatchResult> => {
    const request = { to: version - 1, actor: 'kloros', reason: `watch: ${judgement.reason}` };
    // Between the check and the lock a person may have committed or rolled back: then this watch is over.
    const state = await ctx.db.get<{ state: string }>('SELECT state FROM watches WHERE version = ?', version);
    if (state?.state !== 'watching')
      return { state: 'watching', version, reason: 'superseded by a later version' };
    const baseline = await rollback(ctx, lock, request, async (tx, after) => {
      await failWatch(tx, watch);
      await record(tx, watch, judgement, ctx.clock.now());
      await hooks.onTakenBack?.(tx, after, judgement.reason);
    });
    await deliverOutbox(ctx);
    const applied = await applyBaseline(ctx, baseline);
    const also =
      applied.state === 'failed'
        ? `; v${baseline.version} could not be applied: ${applied.step} failed: ${applied.reason}`
        : '';
    return { state: 'rolled-back', version, reason: `${judgement.reason}${also}`, baseline };
  });
}

/** A failing watch whose lock is held is looked at again by the next tick, with the failures it has. */
async function takeBackOrWait(
  ctx: Context,
  watch: Watch,
  judgement: Judgement,
  withLock: WithBaselineLock,
  hooks: WatchHooks,
): Promise<WatchResult> {
  try {
    return await takeBack(ctx, watch, judgement, withLock, hooks);
  } catch (error) {
    const waiting: Watch = { ...watch, nextCheckAt: ctx.clock.now() };
    await ctx.db.transaction((tx) => saveWatch(tx, waiting, 'watching'));
    if (!(error instanceof KlorosError) || error.code !== 'KLR_E_LOCK_HELD') throw error;
    return { state: 'watching', version: watch.version, reason: `${judgement.reason}; ${error.message}` };
  }
}

/**
 * Looks at the health of the watched baseline once, when a look is due: by what the configuration names, or by trials of
 * it and of the one before, side by side. Keeps it after enough checks at its deadline, or takes it back (a new version with
 * the content before, delivered and applied) after too many failures in a row.
 * @param withLock runs its work under the baseline lock
 * @param hooks what the loop lends: the sequential test for `watch.promql`, and what a roll-back does besides
 */
export async function checkWatch(
  ctx: Context,
  executor: Executor,
  withLock: WithBaselineLock,
  control: Control,
  hooks: WatchHooks,
): Promise<WatchResult> {
  const watch = await dueWatch(ctx.db, ctx.clock.now());
  if (!watch) return { state: 'watching', version: 0, reason: 'no check is due' };
  const { version } = watch;
  const experiment = ctx.config.experiments[watch.experiment];
  if (!experiment) {
    await ctx.db.transaction((tx) => saveWatch(tx, watch, 'ok'));
    return { state: 'kept', version, reason: `${watch.experiment} is no longer configured` };
  }
  const finding = await checkHealth(ctx, watch, experiment, executor, control, hooks);
  // What was cut off is no evidence, nor lack of it: the next tick looks again.
  if (control.abort.aborted) return { state: 'watching', version, reason: 'the check was cut off' };
  const now = ctx.clock.now();
  const checked = withCheck(watch, { at: now, ...finding });
  const judgement = judge(checked, experiment.watch, now);
  if (judgement.state === 'bad') return takeBackOrWait(ctx, checked, judgement, withLock, hooks);
  const { state, reason } = judgement;
  const saved = await ctx.db.transaction(async (tx) => {
    const changed = await saveWatch(tx, checked, state === 'kept' ? 'ok' : 'watching');
    if (changed) await record(tx, checked, judgement, now);
    return changed;
  });
  return saved
    ? { state, version, reason }
    : { state: 'watching', version, reason: 'superseded by a later version' };
}
