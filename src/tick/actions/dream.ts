import { currentBaseline } from '../../baseline/current.ts';
import type { Baseline } from '../../baseline/types.ts';
import { mergeParams } from '../../config/parameters.ts';
import type { Experiment } from '../../config/schema.ts';
import type { Context } from '../../context.ts';
import type { StopReason } from '../../control.ts';
import { resumeCycle, runCycle } from '../../dream/cycle.ts';
import { type AtEnd, loadCycle } from '../../dream/cycle-store.ts';
import type { CycleRequest, CycleResult } from '../../dream/types.ts';
import { KlorosError } from '../../errors.ts';
import { adviseSearch } from '../../heuristics/advice.ts';
import { chooseExperiment } from '../../heuristics/bandit.ts';
import { learnFromCycle } from '../../heuristics/learn.ts';
import { fingerprint } from '../../phase/environment.ts';
import { settle } from '../../promotion/ack.ts';
import { addWinners, getPromotion, listPromotions, markScreened } from '../../promotion/records.ts';
import type { Promotion } from '../../promotion/types.ts';
import type { Database } from '../../store/database.ts';
import { appendEvent } from '../../store/ledger.ts';
import { deliverOutbox } from '../../store/outbox.ts';
import { newId } from '../ids.ts';
import { phaseSituation } from '../phase-situation.ts';
import { clearFailures, putOff } from '../retries.ts';
import { supervise } from '../supervise.ts';
import { isTroubleOfHome, wordsOf } from '../trouble.ts';
import { withLock } from '../with-lock.ts';
import { countFailedSearch } from './abandon.ts';
import { externalSearch } from './dream-external.ts';
import type { Done, Run } from './run.ts';

/** What a cycle is asked for. */
export interface DreamAsk {
  /** Null: heuristics choose. */
  readonly experiment: string | null;
  readonly resume: string | null;
  readonly trials?: number | undefined;
  readonly seed?: number | undefined;
  readonly origin: Readonly<Record<string, unknown>>;
}

export function experimentOf(ctx: Context, name: string): Experiment {
  const experiment = ctx.config.experiments[name];
  if (experiment) return experiment;
  const known = Object.keys(ctx.config.experiments).join(', ');
  throw new KlorosError('KLR_E_NOT_FOUND', `no experiment ${name}`, { hint: `Name one of: ${known}.` });
}

/** Promotions of an experiment that are neither acknowledged nor screened. */
function waiting(ctx: Context, experiment: string): Promise<Promotion[]> {
  return listPromotions(ctx.db, { states: ['received'], experiment });
}

async function requestFor(
  ctx: Context,
  name: string,
  baseline: Baseline,
  ask: DreamAsk,
): Promise<CycleRequest> {
  const experiment = experimentOf(ctx, name);
  const base = baseline.params[name] ?? {};
  const advice = await adviseSearch(ctx, name, fingerprint(ctx, [name]));
  const promotions = await waiting(ctx, name);
  const { nextWindowAt } = await phaseSituation(ctx);
  const untilWindow = nextWindowAt === null ? Number.POSITIVE_INFINITY : nextWindowAt - ctx.clock.now();
  return {
    id: newId(ctx, 'dream'),
    experiment: name,
    origin: { ...ask.origin, advice: advice.reason },
    baseline: { version: baseline.version, params: base },
    promotions: promotions.map((p) => ({ id: p.id, params: mergeParams(experiment, base, p.changes) })),
    points: advice.points,
    focus: advice.focus,
    trials: ask.trials ?? experiment.budget.trials,
    // A cycle is over before the next PHASE window opens.
    durationMs: Math.max(1, Math.min(experiment.budget.duration, untilWindow)),
    seed: ask.seed ?? experiment.search.seed ?? Math.floor(ctx.random() * 2 ** 32),
  };
}

/** While the cycle ran, a promotion may have expired, or been answered by someone else. */
const waits = async (tx: Database, id: string): Promise<boolean> =>
  (await getPromotion(tx, id))?.state === 'received';

/** In the transaction that ends a cycle: each promotion that it was given is answered, its winners are promotions. */
async function recordDone(
  tx: Database,
  ctx: Context,
  cycle: CycleRequest,
  result: Extract<CycleResult, { state: 'done' }>,
  elapsedMs: number,
): Promise<void> {
  const { experiment, id: cycleId, seed } = cycle;
  const baselineVersion = cycle.baseline.version;
  for (const s of result.screened)
    if (await waits(tx, s.id)) await markScreened(tx, ctx, s.id, { gain: s.gain, screening: s.screening });
  for (const r of result.rejected)
    if (await waits(tx, r.id)) await settle(tx, ctx, r.id, 'rejected', { reason: r.reason });
  await addWinners(tx, ctx, { experiment, cycleId, seed, baselineVersion, winners: result.winners });
  const { bestGain, baselineMetrics } = result.summary;
  const environment = fingerprint(ctx, [experiment]);
  const learned = { bestGain, baselineMetrics, baselineVersion, elapsedMs, environment };
  await learnFromCycle(tx, ctx, experiment, learned);
  await clearFailures(tx, `dream:${experiment}`);
}

/** A paused cycle whose baseline moved measures against what is no longer in force. */
async function cancelCycle(ctx: Context, id: string, reason: string): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const now = ctx.clock.now();
    const result = JSON.stringify({ state: 'failed', reason } satisfies CycleResult);
    await tx.run(
      "UPDATE cycles SET state = 'cancelled', ended_at = ?, result = ? WHERE id = ?",
      now,
      result,
      id,
    );
    await appendEvent(tx, { ts: now, kind: 'cycle.cancelled', subject: id, data: { reason } });
  });
}

/** What a cycle came to, in words. */
function conclude(id: string, result: CycleResult, stopped: StopReason | null, note: string): Done {
  if (result.state === 'paused')
    return stopped === 'killed'
      ? { outcome: 'KILLED', reason: result.reason }
      : { outcome: 'DREAM_CYCLE', reason: `${id} is paused: ${result.reason}` };
  if (result.state === 'done') {
    const { summary, winners, screened, rejected } = result;
    const best =
      summary.bestGain === null ? 'nothing better' : `best ${(100 * summary.bestGain).toFixed(1)} % better`;
    const answered = screened.length + rejected.length;
    const reason = `${id}: ${summary.evaluated} configurations, ${best}; ${winners.length} new promotions, ${answered} answered`;
    return { outcome: 'DREAM_CYCLE', reason };
  }
  const outcome = result.state === 'timeout' ? 'DREAM_TIMEOUT' : 'DREAM_FAILED';
  return { outcome, reason: `${id}: ${result.reason}; ${note}` };
}

/** The cycle that is to go on; null when the baseline moved under it, and it was cancelled. */
async function resumable(ctx: Context, id: string, version: number): Promise<CycleRequest | null> {
  const { request } = await loadCycle(ctx.db, id);
  if (request.baseline.version === version) return request;
  await cancelCycle(ctx, id, 'the baseline moved while it was paused');
  return null;
}

/** A roll-back ends a paused cycle; one that the governor refused waits a while, so that the rules below get their turn. */
async function afterPause(ctx: Context, cycle: CycleRequest, stopped: StopReason | null): Promise<void> {
  if (stopped === 'rollback') return cancelCycle(ctx, cycle.id, 'the baseline moved');
  if (stopped !== null) return;
  const { first_pause: pauseMs } = ctx.config.retry;
  await ctx.db.transaction((tx) => putOff(tx, `dream:${cycle.experiment}`, ctx.clock.now(), pauseMs));
}

/** The experiment that is asked for, that of the cycle that goes on, or the one that heuristics choose. */
async function chosen(ctx: Context, ask: DreamAsk): Promise<string> {
  if (ask.resume !== null) return (await loadCycle(ctx.db, ask.resume)).request.experiment;
  return ask.experiment ?? (await chooseExperiment(ctx)).name;
}

/** A search that ended in an error is held against its experiment, so that the next tick does not meet it again. */
async function countError(ctx: Context, experiment: string, ask: DreamAsk, error: unknown): Promise<void> {
  const promotions = await waiting(ctx, experiment);
  const known = experiment in ctx.config.experiments || ask.resume !== null;
  if (isTroubleOfHome(error) || (!known && promotions.length === 0)) return;
  await ctx.db.transaction(async (tx) => {
    const begun = await tx.get<{ id: string }>("SELECT id FROM cycles WHERE state = 'running'");
    const cycle = begun?.id ?? ask.resume;
    await tx.run("UPDATE cycles SET state = 'paused' WHERE state = 'running'");
    await countFailedSearch(tx, ctx, { experiment, cycle, promotions }, wordsOf(error));
  });
}

/** Runs or resumes a cycle under the dream lock, and records what came of it. */
export async function dream(run: Run, ask: DreamAsk): Promise<Done> {
  const experiment = await chosen(run.ctx, ask);
  try {
    return await search(run, ask, experiment);
  } catch (error) {
    await countError(run.ctx, experiment, ask, error);
    throw error;
  } finally {
    await deliverOutbox(run.ctx);
  }
}

async function search(run: Run, ask: DreamAsk, experiment: string): Promise<Done> {
  const { ctx } = run;
  const { command } = ctx.config.dream;
  if (command !== undefined && ask.resume === null) return externalSearch(run, experiment, command);
  const baseline = await currentBaseline(ctx.db, ctx.config);
  const request =
    ask.resume === null
      ? await requestFor(ctx, experiment, baseline, ask)
      : await resumable(ctx, ask.resume, baseline.version);
  if (request === null)
    return { outcome: 'DREAM_CYCLE', reason: `${ask.resume} is cancelled: the baseline moved under it` };
  // Paused and resumed, its budget may reach into the window: the window goes first.
  const { nextWindowAt: endsAt } = await phaseSituation(ctx);
  const supervision = supervise(ctx, { ...run, endsAt, baselineVersion: baseline.version });
  const executor = await run.executor();
  let note = '';
  const atEnd: AtEnd = async (tx, result, elapsedMs) => {
    if (result.state === 'done') await recordDone(tx, ctx, request, result, elapsedMs);
    else if (result.state !== 'paused')
      note = await countFailedSearch(tx, ctx, { ...request, cycle: request.id }, result.reason);
  };
  try {
    const wanted = { purpose: `cycle ${request.id}`, ttlMs: request.durationMs * 2 };
    const result = await withLock(ctx, 'dream', wanted, () =>
      ask.resume === null
        ? runCycle(ctx, executor, supervision.control, request, atEnd)
        : resumeCycle(ctx, executor, supervision.control, request.id, atEnd),
    );
    const stopped = supervision.stopped();
    if (result.state === 'paused') await afterPause(ctx, request, stopped);
    return conclude(request.id, result, stopped, note);
  } finally {
    supervision.dispose();
  }
}
