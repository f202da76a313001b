import { applyBaseline } from '../../baseline/apply.ts';
import { currentBaseline } from '../../baseline/current.ts';
import type { Context } from '../../context.ts';
import { sweepTemporary } from '../../files/write-atomic.ts';
import { addCounter } from '../../metrics/counters.ts';
import { syncEpochsLedger } from '../../phase/epochs-ledger.ts';
import { appendEvent } from '../../store/ledger.ts';
import { deliverOutbox } from '../../store/outbox.ts';
import { sweepScratch } from '../../trial/scratch.ts';
import { withBaselineLock } from '../with-lock.ts';
import type { Done, Run } from './run.ts';

/** Folders in which a crash may leave a temporary file. */
function writtenFolders(ctx: Context): string[] {
  const p = ctx.paths;
  return [
    p.root,
    p.baseline,
    p.baselineVersions,
    p.promotions,
    p.promotionAcks,
    p.signals,
    p.processed,
    p.intents,
  ];
}

/** What the database says is under way, and is not: this tick holds the lock that it would run under. */
async function pauseWhatRan(ctx: Context, ids: readonly string[]): Promise<void> {
  const now = ctx.clock.now();
  await ctx.db.transaction(async (tx) => {
    await tx.run("UPDATE cycles SET state = 'paused' WHERE state = 'running'");
    await tx.run("UPDATE epochs SET state = 'paused' WHERE state = 'running'");
    for (const id of ids) {
      await tx.run("UPDATE actions SET state = 'recovered', ended_at = ? WHERE id = ?", now, id);
      await appendEvent(tx, { ts: now, kind: 'action.recovered', subject: id });
    }
    await addCounter(tx, 'kloros_recoveries_total', {}, ids.length);
  });
}

/**
 * Finishes or undoes what a dead process left: trials are ended and their scratch swept, owed files are written, an
 * owed apply is done, and a cycle or epoch that was under way is paused, to go on from its last finished trial.
 */
export async function recover(run: Run, ids: readonly string[]): Promise<Done> {
  const { ctx } = run;
  await sweepScratch(ctx);
  const swept = writtenFolders(ctx).flatMap((folder) => sweepTemporary(ctx.fs, folder));
  await deliverOutbox(ctx);
  await syncEpochsLedger(ctx);
  const applied = await withBaselineLock(ctx, 'finish an apply', async () => {
    const baseline = await currentBaseline(ctx.db, ctx.config);
    return baseline.applyState === 'owed' ? applyBaseline(ctx, baseline) : null;
  });
  await pauseWhatRan(ctx, ids);
  const parts = [
    `${ids.length} unfinished`,
    ...(swept.length > 0 ? [`${swept.length} temporary files swept`] : []),
    ...(applied === null ? [] : [`baseline ${applied.state}`]),
  ];
  return { outcome: 'RECOVERED', reason: parts.join(', ') };
}
