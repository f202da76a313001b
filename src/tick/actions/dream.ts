import { currentBaseline } from '../../baseline/current.ts';
import type { Baseline } from '../../baseline/types.ts';
import { mergeParams } from '../../config/parameters.ts';
import type { Experiment } from '../../config/schema.ts';
import type { Context } from '../../context.ts';
import type { StopReason } from '../../control.ts';
import { resumeCycle, runCycle } from '../../dream/cycle.ts';
import type { CycleRequest, CycleResult } from '../../dream/types.ts';
import { KlorosError } from '../../errors.ts';
import { adviseSearch } from '../../heuristics/advice.ts';
import { chooseExperiment } from '../../heuristics/bandit.ts';
import { learnFromCycle } from '../../heuristics/learn.ts';
import { addCounter } from '../../metrics/counters.ts';
import { settle } from '../../promotion/ack.ts';
import { addWinners, getPromotion, markScreened } from '../../promotion/records.ts';
import type { Database } from '../../store/database.ts';
import { fromJson } from '../../store/json.ts';
import { appendEvent } from '../../store/ledger.ts';
import { deliverOutbox } from '../../store/outbox.ts';
import { newId } from '../ids.ts';
import { phaseSituation } from '../phase-situation.ts';
import { clearFailures, recordFailure } from '../retries.ts';
import { supervise } from '../supervise.ts';
import { withLock } from '../with-lock.ts';
import type { Done, Run } from './run.ts';

/** What a cycle is asked for. */
export interface DreamAsk {
  /** Null: heuristics choose. */
  readonly experiment: string | null;
  readonly resume: string | null;
  /** Ids of promotions that seed it. */
  readonly seeds: readonly string[];
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

async function requestFor(
  ctx: Context,
  name: string,
  baseline: Baseline,
  ask: DreamAsk,
): Promise<CycleRequest> {
  const experiment = experimentOf(ctx, name);
  const base = baseline.params[name] ?? {};
  const advice = await adviseSearch(ctx, name);
  const promotions = await Promise.all(ask.seeds.map((id) => getPromotion(ctx.db, id)));
  const { nextWindowAt } = await phaseSituation(ctx);
  const untilWindow = nextWindowAt === null ? Number.POSITIVE_INFINITY : nextWindowAt - ctx.clock.now();
  return {
    id: newId(ctx, 'dream'),
    experiment: name,
    origin: { ...ask.origin, promotions: ask.seeds, advice: advice.reason },
    baseline: { version: baseline.version, params: base },
    promotions: promotions
      .filter((p) => p !== null)
      .map((p) => ({ id: p.id, params: mergeParams(experiment, base, p.changes) })),
    points: advice.points,
    focus: advice.focus,
    trials: ask.trials ?? experiment.budget.trials,
    // A cycle is over before the next PHASE window opens.
    durationMs: Math.max(1, Math.min(experiment.budget.duration, untilWindow)),
    seed: ask.seed ?? experiment.search.seed ?? Math.floor(ctx.random() * 2 ** 32),
  };
}

type CycleRow = {
  id: string;
  experiment: string;
  baseline_version: number;
  elapsed_ms: number;
  origin: string;
};

async function readCycle(db: Database, id: string): Promise<CycleRow & { seeds: string[] }> {
  const row = await db.get<CycleRow>(
    'SELECT id, experiment, baseline_version, elapsed_ms, origin FROM cycles WHERE id = ?',
    id,
  );
  if (!row)
    throw new KlorosError('KLR_E_NOT_FOUND', `no cycle ${id}`, {
      hint: 'List them with `kloros dream list`.',
    });
  return { ...row, seeds: fromJson<{ promotions?: string[] }>(row.origin).promotions ?? [] };
}

/** Inside the transaction that ends a cycle: each promotion that it was given is answered, its winners are promotions. */
async function recordDone(
  tx: Database,
  ctx: Context,
  id: string,
  result: Extract<CycleResult, { state: 'done' }>,
): Promise<void> {
  const cycle = await readCycle(tx, id);
  const { experiment, baseline_version: baselineVersion } = cycle;
  for (const s of result.screened)
    await markScreened(tx, ctx, s.id, { gain: s.gain, screening: s.screening });
  for (const r of result.rejected) await settle(tx, ctx, r.id, 'rejected', { reason: r.reason });
  await addWinners(tx, ctx, { experiment, cycleId: id, baselineVersion, winners: result.winners });
  await addCounter(tx, 'kloros_dream_cycles_total', { experiment, result: 'done' });
  await learnFromCycle(tx, ctx, experiment, {
    bestGain: result.summary.bestGain,
    baselineMetrics: result.summary.baselineMetrics,
    baselineVersion,
    elapsedMs: cycle.elapsed_ms,
  });
  await clearFailures(tx, `dream:${experiment}`);
}

/** Counts a failed cycle; when it is not tried again, the promotions that it should have measured are rejected. */
async function recordFailed(ctx: Context, id: string, result: string, reason: string): Promise<string> {
  const { experiment, seeds } = await readCycle(ctx.db, id);
  return ctx.db.transaction(async (tx) => {
    await addCounter(tx, 'kloros_dream_cycles_total', { experiment, result });
    const key = `dream:${experiment}`;
    const retry = await recordFailure(tx, key, ctx.clock.now(), ctx.config.retry);
    if (!retry.exhausted) return `failure ${retry.failures}, tried again later`;
    await clearFailures(tx, key);
    for (const seed of seeds)
      await settle(tx, ctx, seed, 'rejected', { reason: `could not be measured: ${reason}` });
    return `failure ${retry.failures}, not tried again`;
  });
}

/** A paused cycle whose baseline moved measures against what is no longer in force. */
async function cancelCycle(ctx: Context, id: string, reason: string): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const now = ctx.clock.now();
    const result = JSON.stringify({ reason });
    await tx.run(
      "UPDATE cycles SET state = 'cancelled', ended_at = ?, result = ? WHERE id = ?",
      now,
      result,
      id,
    );
    await appendEvent(tx, { ts: now, kind: 'cycle.cancelled', subject: id, data: { reason } });
  });
}

async function conclude(
  run: Run,
  id: string,
  result: CycleResult,
  stopped: StopReason | null,
): Promise<Done> {
  const { ctx } = run;
  if (result.state === 'paused') {
    if (stopped === 'rollback') await cancelCycle(ctx, id, 'the baseline moved');
    return stopped === 'killed'
      ? { outcome: 'KILLED', reason: result.reason }
      : { outcome: 'DREAM_CYCLE', reason: `paused: ${result.reason}` };
  }
  if (result.state === 'done') {
    const { summary, winners, screened, rejected } = result;
    const best =
      summary.bestGain === null ? 'nothing better' : `best ${(100 * summary.bestGain).toFixed(1)} % better`;
    const answered = screened.length + rejected.length;
    const reason = `${summary.evaluated} configurations, ${best}; ${winners.length} new promotions, ${answered} answered`;
    return { outcome: 'DREAM_CYCLE', reason };
  }
  const note = await recordFailed(ctx, id, result.state, result.reason);
  const outcome = result.state === 'timeout' ? 'DREAM_TIMEOUT' : 'DREAM_FAILED';
  return { outcome, reason: `${result.reason}; ${note}` };
}

/** Runs or resumes a cycle under the dream lock, and records what came of it. */
export async function dream(run: Run, ask: DreamAsk): Promise<Done> {
  const { ctx } = run;
  const paused = ask.resume === null ? null : await readCycle(ctx.db, ask.resume);
  const baseline = await currentBaseline(ctx.db, ctx.config);
  if (paused && paused.baseline_version !== baseline.version) {
    await cancelCycle(ctx, paused.id, 'the baseline moved while it was paused');
    return {
      outcome: 'DREAM_CYCLE',
      reason: `${paused.id} cancelled: the baseline moved while it was paused`,
    };
  }
  const name = paused?.experiment ?? ask.experiment ?? (await chooseExperiment(ctx)).name;
  const request = paused ? null : await requestFor(ctx, name, baseline, ask);
  const id = request?.id ?? paused?.id ?? '';
  const supervision = supervise(ctx, { ...run, endsAt: null, baselineVersion: baseline.version });
  const executor = await run.executor();
  const finish = (tx: Database, result: Extract<CycleResult, { state: 'done' }>) =>
    recordDone(tx, ctx, id, result);
  try {
    const wanted = { purpose: `cycle ${id}`, ttlMs: experimentOf(ctx, name).budget.duration * 2 };
    const result = await withLock(ctx, 'dream', wanted, () =>
      request
        ? runCycle(ctx, executor, supervision.control, request, finish)
        : resumeCycle(ctx, executor, supervision.control, id, finish),
    );
    return await conclude(run, id, result, supervision.stopped());
  } finally {
    supervision.dispose();
    await deliverOutbox(ctx);
  }
}
