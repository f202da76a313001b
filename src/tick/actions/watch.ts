import { checkWatch } from '../../baseline/watch.ts';
import { deliverOutbox } from '../../store/outbox.ts';
import { timeComparison } from '../compare-times.ts';
import { supervise } from '../supervise.ts';
import { withBaselineLock } from '../with-lock.ts';
import { learnRollback } from './learn-rollback.ts';
import type { Done, Run } from './run.ts';

/** Measures the health of a baseline that is being watched, and takes it back when it fails. */
export async function watch(run: Run): Promise<Done> {
  const { ctx } = run;
  const supervision = supervise(ctx, { ...run, endsAt: null, baselineVersion: null, watches: false });
  try {
    const executor = await run.executor();
    const lock = <T>(work: Parameters<typeof withBaselineLock<T>>[2]) =>
      withBaselineLock(ctx, 'take a baseline back', work);
    const result = await checkWatch(ctx, executor, lock, supervision.control, {
      compareTimes: timeComparison(ctx.config.phase.alpha),
      onTakenBack: (tx, after, reason) => learnRollback(tx, ctx, after, reason),
    });
    if (supervision.stopped() === 'killed' && result.state === 'watching')
      return { outcome: 'KILLED', reason: result.reason };
    if (result.state !== 'rolled-back') return { outcome: 'WATCH_OK', reason: result.reason };
    return { outcome: 'ROLLED_BACK', reason: `v${result.version}: ${result.reason}` };
  } finally {
    supervision.dispose();
    await deliverOutbox(ctx);
  }
}
