import { dirname } from 'node:path';
import { applyBaseline } from '../../baseline/apply.ts';
import { currentBaseline } from '../../baseline/current.ts';
import type { Context } from '../../context.ts';
import { KlorosError } from '../../errors.ts';
import { sweepTemporary } from '../../files/write-atomic.ts';
import { addCounter } from '../../metrics/counters.ts';
import { syncEpochsLedger } from '../../phase/epochs-ledger.ts';
import { appendEvent } from '../../store/ledger.ts';
import { deliverOutbox } from '../../store/outbox.ts';
import { sweepScratch } from '../../trial/scratch.ts';
import { takeBack } from '../take-back.ts';
import { textfilePath } from '../textfile.ts';
import { isTroubleOfHome, wordsOf } from '../trouble.ts';
import { withBaselineLock } from '../with-lock.ts';
import { holdBackCrashing } from './crashes.ts';
import type { Done, Run } from './run.ts';

/** Folders in which a crash may leave a temporary file. */
function writtenFolders(ctx: Context): string[] {
  const p = ctx.paths;
  const metrics = textfilePath(ctx);
  return [
    ...(metrics === null ? [] : [dirname(metrics)]),
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
    await holdBackCrashing(tx, ctx);
    await tx.run("UPDATE cycles SET state = 'paused' WHERE state = 'running'");
    await tx.run("UPDATE epochs SET state = 'paused' WHERE state = 'running'");
    for (const id of ids) {
      await tx.run("UPDATE actions SET state = 'recovered', ended_at = ? WHERE id = ?", now, id);
      await appendEvent(tx, { ts: now, kind: 'action.recovered', subject: id });
    }
    await addCounter(tx, 'kloros_recoveries_total', {}, ids.length);
  });
}

/** What the target could not take is taken back, as by the commit that did not come to it. */
async function takeBackUnapplied(ctx: Context, version: number, reason: string): Promise<string> {
  try {
    const back = await takeBack(ctx, { actor: 'kloros', reason });
    return `v${version} could not be applied, v${back.version} takes it back: ${reason}`;
  } catch (error) {
    if (!(error instanceof KlorosError) || isTroubleOfHome(error)) throw error;
    // A person has to look at the target; what else is to be recovered is not kept waiting for it.
    return `v${version} could not be applied: ${reason}; nor taken back: ${wordsOf(error)}`;
  }
}

/** Does an apply that is owed, and undoes the commit when it fails; in words, null when there is nothing to do. */
async function finishApply(ctx: Context): Promise<string | null> {
  const { applied, baseline } = await withBaselineLock(ctx, 'finish an apply', async () => {
    const current = await currentBaseline(ctx.db, ctx.config);
    const owed = current.applyState === 'owed';
    return { baseline: current, applied: owed ? await applyBaseline(ctx, current) : null };
  });
  if (applied?.state === 'applied') return `v${baseline.version} applied`;
  const undone = baseline.kind === 'promotion' && (applied !== null || baseline.applyState === 'failed');
  const reason = applied ? `${applied.step} failed: ${applied.reason}` : 'its apply had failed';
  if (undone) return takeBackUnapplied(ctx, baseline.version, reason);
  return applied && `v${baseline.version} could not be applied: ${reason}`;
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
  const applied = await finishApply(ctx);
  await pauseWhatRan(ctx, ids);
  await deliverOutbox(ctx);
  const parts = [
    `${ids.length} unfinished`,
    ...(swept.length > 0 ? [`${swept.length} temporary files swept`] : []),
    ...(applied === null ? [] : [applied]),
  ];
  return { outcome: 'RECOVERED', reason: parts.join(', ') };
}
