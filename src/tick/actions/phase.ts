import { currentBaseline } from '../../baseline/current.ts';
import { mergeParams } from '../../config/parameters.ts';
import type { Context } from '../../context.ts';
import type { StopReason } from '../../control.ts';
import { addCounter, observe } from '../../metrics/counters.ts';
import { phaseWindow } from '../../phase/due.ts';
import { resumeEpoch, runEpoch } from '../../phase/epoch.ts';
import type { Candidate, CandidateVerdict, EpochRequest, EpochResult } from '../../phase/types.ts';
import { localDate } from '../../phase/window.ts';
import { getPromotion, listPromotions, moveState } from '../../promotion/records.ts';
import type { Database } from '../../store/database.ts';
import { deliverOutbox } from '../../store/outbox.ts';
import { newId } from '../ids.ts';
import { BEFORE_ITS_ROW } from '../phase-situation.ts';
import { clearFailures, putOff } from '../retries.ts';
import { supervise } from '../supervise.ts';
import { isTroubleOfHome, wordsOf } from '../trouble.ts';
import { withLock } from '../with-lock.ts';
import { countFailedEpoch } from './abandon.ts';
import { externalEpoch } from './phase-external.ts';
import type { Done, Run } from './run.ts';

/** The screened promotions without a verdict, the most promising first, as complete configurations. */
async function candidates(ctx: Context, params: EpochRequest['baseline']['params']): Promise<Candidate[]> {
  const screened = await listPromotions(ctx.db, { states: ['screened'] });
  const rows = await ctx.db.all<{ id: string }>(
    'SELECT promotion_id AS id FROM verdicts WHERE carried_out_at IS NULL',
  );
  const judged = new Set(rows.map((row) => row.id));
  return screened
    .filter((p) => !judged.has(p.id))
    .toSorted((a, b) => (b.searchScore ?? 0) - (a.searchScore ?? 0))
    .slice(0, ctx.config.phase.candidates)
    .flatMap((p) => {
      const experiment = ctx.config.experiments[p.experiment ?? ''];
      const base = params[p.experiment ?? ''];
      if (!experiment || !base || p.experiment === null) return [];
      const whole = mergeParams(experiment, base, p.changes);
      return [{ promotionId: p.id, experiment: p.experiment, params: whole, searchScore: p.searchScore }];
    });
}

async function requestFor(ctx: Context, forced: boolean): Promise<EpochRequest> {
  const now = ctx.clock.now();
  const window = await phaseWindow(ctx);
  const { version, params } = await currentBaseline(ctx.db, ctx.config);
  const chosen = await candidates(ctx, params);
  const latest = now + ctx.config.phase.max_duration;
  return {
    id: newId(ctx, 'phase'),
    date: (forced ? null : window.date) ?? localDate(ctx.config.phase.window, now),
    forced,
    // Within the window its time is elapsed time: a pause, or a failed try, is not taken from it.
    endsAt: (forced ? null : window.closesAt) ?? latest,
    baseline: { version, params },
    candidates: chosen,
    checkOnly: chosen.length > 0 ? [] : Object.keys(ctx.config.experiments),
    seed: Math.floor(ctx.random() * 2 ** 32),
  };
}

/** An epoch that ended, and how long all its runs took. */
async function countEpoch(tx: Database, id: string, result: string): Promise<void> {
  await addCounter(tx, 'kloros_phase_epochs_total', { result });
  const row = await tx.get<{ ms: number }>('SELECT elapsed_ms AS ms FROM epochs WHERE id = ?', id);
  if (row) await observe(tx, 'kloros_phase_epoch_duration_seconds', {}, row.ms / 1000);
}

async function recordFailed(ctx: Context, id: string, result: string, reason: string): Promise<string> {
  return ctx.db.transaction(async (tx) => {
    await countEpoch(tx, id, result);
    return countFailedEpoch(tx, ctx, id, reason);
  });
}

/** An epoch that ended in an error is tried again later: the next tick does not meet the error again. */
async function countError(ctx: Context, id: string, error: unknown): Promise<void> {
  if (isTroubleOfHome(error)) return;
  await ctx.db.transaction(async (tx) => {
    await tx.run("UPDATE epochs SET state = 'paused' WHERE id = ? AND state = 'running'", id);
    const begun = await tx.get('SELECT id FROM epochs WHERE id = ?', id);
    if (begun) await countFailedEpoch(tx, ctx, id, wordsOf(error));
    else await putOff(tx, `phase:${BEFORE_ITS_ROW}`, ctx.clock.now(), ctx.config.retry.first_pause);
  });
}

/** The promotions that the epoch accepted go on, but for those that ended while it ran. */
async function moveAccepted(
  tx: Database,
  ctx: Context,
  verdicts: readonly CandidateVerdict[],
): Promise<void> {
  for (const { verdict, promotionId, reason, gain: validatedGain } of verdicts)
    if (verdict === 'accept' && (await getPromotion(tx, promotionId))?.state === 'screened')
      await moveState(tx, ctx, promotionId, 'accepted', { reason, validatedGain });
}

async function conclude(
  ctx: Context,
  id: string,
  result: EpochResult,
  stopped: StopReason | null,
): Promise<Done> {
  if (result.state === 'paused' && stopped === null) {
    // The governor refused a trial: the rules below get their turn before it is tried again.
    const { first_pause: pauseMs } = ctx.config.retry;
    await ctx.db.transaction((tx) => putOff(tx, `phase:${id}`, ctx.clock.now(), pauseMs));
  }
  if (result.state === 'paused')
    return stopped === 'killed'
      ? { outcome: 'KILLED', reason: result.reason }
      : { outcome: 'PHASE_EPOCH', reason: `paused: ${result.reason}` };
  if (result.state === 'done') {
    await ctx.db.transaction(async (tx) => {
      await countEpoch(tx, id, 'done');
      await clearFailures(tx, `phase:${id}`);
      await moveAccepted(tx, ctx, result.verdicts);
    });
    const words = result.verdicts.map((v) => `${v.promotionId}: ${v.verdict}`).join(', ');
    return { outcome: 'PHASE_EPOCH', reason: `${id}: ${words || 'the baseline was measured'}` };
  }
  if (result.state === 'voided') {
    await ctx.db.transaction((tx) => countEpoch(tx, id, 'voided'));
    return { outcome: 'PHASE_FAILED', reason: `${id} is void: ${result.reason}` };
  }
  const note = await recordFailed(ctx, id, result.state, result.reason);
  const outcome = result.state === 'timeout' ? 'PHASE_TIMEOUT' : 'PHASE_FAILED';
  return { outcome, reason: `${result.reason}; ${note}` };
}

/** Runs or resumes an epoch under the phase lock. */
export async function phase(run: Run, ask: { forced: boolean; resume: string | null }): Promise<Done> {
  const { ctx } = run;
  const request = ask.resume === null ? await requestFor(ctx, ask.forced) : null;
  if (request && request.candidates.length === 0 && request.checkOnly.length === 0)
    return { outcome: 'NOOP', reason: 'no promotion is screened: nothing to validate' };
  const { command } = ctx.config.phase;
  // The baseline alone is measured here: an external program validates promotions.
  if (request && command !== undefined && request.candidates.length > 0)
    return externalEpoch(run, request, command, moveAccepted);
  const id = request?.id ?? ask.resume ?? '';
  const window = await phaseWindow(ctx);
  const endsAt = request?.endsAt ?? (ask.forced ? null : window.closesAt);
  const supervision = supervise(ctx, {
    ...run,
    endsAt,
    baselineVersion: (await currentBaseline(ctx.db, ctx.config)).version,
  });
  const executor = await run.executor();
  try {
    const wanted = { purpose: `epoch ${id}`, ttlMs: ctx.config.phase.max_duration * 2 };
    const result = await withLock(ctx, 'phase', wanted, () =>
      request
        ? runEpoch(ctx, executor, supervision.control, request)
        : resumeEpoch(ctx, executor, supervision.control, id),
    );
    return await conclude(ctx, id, result, supervision.stopped());
  } catch (error) {
    await countError(ctx, id, error);
    throw error;
  } finally {
    supervision.dispose();
    await deliverOutbox(ctx);
  }
}
