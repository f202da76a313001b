import { addCounter } from '../metrics/counters.ts';
import { createAdmissions } from './admission.ts';
import { diskRefusal, type GovernorContext, type Refusal } from './allowance.ts';
import { afterTrial } from './breaker.ts';
import { changeBreaker } from './breaker-store.ts';
import { refused } from './judge.ts';
import { createTurns } from './turns.ts';
import type { Executor, TrialRequest, TrialResult } from './types.ts';

export { governorState } from './allowance.ts';

type RunOptions = NonNullable<Parameters<Executor['run']>[1]>;

/** Between two looks at the free disk space while a trial runs, ms. */
const DISK_MS = 1000;

async function refuse(
  { db, clock, log }: GovernorContext,
  request: TrialRequest,
  { cause, reason }: Refusal,
): Promise<TrialResult> {
  log.event('trial.refused', { experiment: request.experiment, reason });
  try {
    await db.transaction((tx) => addCounter(tx, 'kloros_trials_refused_total', { cause }));
  } catch {
    // Counted or not, it is refused.
  }
  return refused(reason, clock.now());
}

/** Runs a trial that ends when the disk fills while it runs, and tells the breaker how it went. */
async function runGuarded(
  executor: Executor,
  ctx: GovernorContext,
  request: TrialRequest,
  options: RunOptions,
): Promise<TrialResult> {
  const full = new AbortController();
  const timer = setInterval(() => {
    const refusal = diskRefusal(ctx);
    if (refusal) full.abort(refusal.reason);
  }, DISK_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, full.signal]) : full.signal;
  let ended: TrialResult['state'] = 'failed';
  try {
    const result = await executor.run(request, { ...options, signal });
    const filled = full.signal.aborted && result.state === 'stopped';
    // A trial that fills the disk again and again opens the breaker, though it is no evidence of its configuration.
    ended = filled ? 'failed' : result.state;
    return filled ? { ...result, reason: String(full.signal.reason) } : result;
  } finally {
    clearInterval(timer);
    const settings = ctx.config.governor.breaker;
    const now = ctx.clock.now();
    await changeBreaker(ctx, request.experiment, (breaker) => afterTrial(breaker, ended, settings, now));
  }
}

/**
 * Bounds what an executor may use (config: governor): trials at once, trials an hour, free disk space, and a circuit
 * breaker for each experiment that opens after failed trials in a row and tries again with a single one. A trial that
 * may not start ends as `stopped` with the reason; what cannot be told counts as not allowed.
 */
export function govern(executor: Executor, ctx: GovernorContext): Executor {
  const slots = Math.min(executor.slots, ctx.config.governor.concurrent_trials);
  const turns = createTurns(slots);
  const admissions = createAdmissions(ctx);
  const asking = createTurns(1);
  /** Trials that try whether an evaluator is whole again, by experiment: the next waits for what they find. */
  const probes = new Map<string, Promise<unknown>>();
  let running = 0;

  const start = async (request: TrialRequest, options: RunOptions): Promise<() => Promise<TrialResult>> => {
    await probes.get(request.experiment);
    if (options.signal?.aborted)
      return async () => refused('ended by KLoROS before it started', ctx.clock.now());
    const admission = await admissions.ask(request.experiment, running);
    if (!admission.ok) return () => refuse(ctx, request, admission);
    running++;
    const work = runGuarded(executor, ctx, request, options).finally(() => running--);
    if (admission.probe) {
      const over = work.catch(() => undefined).finally(() => probes.delete(request.experiment));
      probes.set(request.experiment, over);
    }
    return () => work;
  };

  return {
    slots,
    run: (request, options = {}) =>
      turns.take(async () => {
        const end = await asking.take(() => start(request, options));
        return end();
      }),
  };
}
