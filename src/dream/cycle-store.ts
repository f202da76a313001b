import type { Params } from '../config/parameters.ts';
import type { Experiment } from '../config/schema.ts';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { addCounter, observe } from '../metrics/counters.ts';
import type { Database } from '../store/database.ts';
import { canonicalJson, fromJson, sha256Hex } from '../store/json.ts';
import { appendEvent } from '../store/ledger.ts';
import type { TrialStep } from '../trial/types.ts';
import type { Metrics } from './score.ts';
import type { CycleRequest, CycleResult } from './types.ts';

/** What a cycle was started with, beside the request: what a resumed run must not see change. */
export interface StoredRequest extends CycleRequest {
  /** Configurations under way at once: it shapes the order of asks and tells. */
  readonly parallel: number;
  /** Of the part of the experiment that the measurements depend on. */
  readonly experimentHash: string;
}

/** A configuration that is measured again beside the baseline. */
export interface Subject {
  readonly params: Params;
  /** Promotions given to the cycle that ask for just this; empty for a finalist of the search. */
  readonly promotions: readonly string[];
  /** The search's estimate of its log-gain; null when the search did not measure it. */
  readonly fitness: number | null;
}

/** What the search came to; written before the screening starts, so that a resumed screening needs no replay. */
export interface ScreeningPlan {
  readonly subjects: readonly Subject[];
  readonly rejected: readonly { readonly id: string; readonly reason: string }[];
  readonly evaluated: number;
  readonly failed: number;
  readonly stopped: number;
  readonly diversity: number;
  /** Why the search ended, in words. */
  readonly searchEnd: string;
}

/** A finished trial, as the table holds it. */
export interface TrialRecord {
  /** Its place in the plan of the cycle; what was skipped leaves a gap. */
  readonly number: number;
  readonly role: 'baseline' | 'search' | 'screen';
  readonly subject: string;
  readonly domain: string;
  readonly params: Params;
  readonly seed: number;
  readonly state: 'completed' | 'failed' | 'stopped';
  readonly reason: string | null;
  readonly metrics: Metrics;
  readonly detail: { readonly outputTail: string; readonly steps: readonly TrialStep[] };
  readonly startedAt: number;
  readonly durationMs: number;
}

export interface StoredCycle {
  readonly id: string;
  readonly state: string;
  readonly elapsedMs: number;
  readonly request: StoredRequest;
  readonly screening: ScreeningPlan | null;
  readonly result: CycleResult | null;
  readonly trials: readonly TrialRecord[];
}

/** What the caller does when a run of a cycle ends, in the transaction that ends it. `elapsedMs` is over all runs. */
export type AtEnd = (tx: Database, result: CycleResult, elapsedMs: number) => Promise<void>;

type Store = Pick<Context, 'db' | 'clock'>;

/** SHA-256 of what the measurements of an experiment depend on. */
export function experimentHash(experiment: Experiment): string {
  const { description: _, budget, apply, watch, ...measured } = experiment;
  return sha256Hex(canonicalJson(measured));
}

/** Writes a cycle's row and its event. */
export async function insertCycle(
  ctx: Store & Pick<Context, 'configHash'>,
  request: StoredRequest,
  sampler: string,
): Promise<void> {
  const now = ctx.clock.now();
  await ctx.db.transaction(async (tx) => {
    await tx.run(
      `INSERT INTO cycles (id, experiment, state, origin, sampler, seed, budget, request, config_hash,
       baseline_version, started_at) VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?)`,
      request.id,
      request.experiment,
      JSON.stringify(request.origin),
      sampler,
      request.seed,
      JSON.stringify({ trials: request.trials, durationMs: request.durationMs }),
      JSON.stringify(request),
      ctx.configHash,
      request.baseline.version,
      now,
    );
    await appendEvent(tx, {
      ts: now,
      kind: 'cycle.started',
      subject: request.id,
      experiment: request.experiment,
      data: {
        origin: request.origin,
        trials: request.trials,
        duration_ms: request.durationMs,
        seed: request.seed,
        baseline_version: request.baseline.version,
        promotions: request.promotions.map(({ id }) => id),
      },
    });
  });
}

/** Everything that is stored of a cycle. @throws KLR_E_NOT_FOUND */
export async function loadCycle(db: Database, id: string): Promise<StoredCycle> {
  const row = await db.get(
    'SELECT state, elapsed_ms, request, screening, result FROM cycles WHERE id = ?',
    id,
  );
  if (!row)
    throw new KlorosError('KLR_E_NOT_FOUND', `there is no cycle ${id}`, {
      where: id,
      hint: 'List what exists with `kloros dream list`.',
    });
  const trials = await db.all('SELECT * FROM trials WHERE owner = ? ORDER BY number', id);
  const parse = <T>(text: string | number | null | undefined): T | null =>
    text === null || text === undefined ? null : fromJson<T>(text);
  return {
    id,
    state: String(row.state),
    elapsedMs: Number(row.elapsed_ms),
    request: fromJson(row.request),
    screening: parse(row.screening),
    result: parse(row.result),
    trials: trials.map((t) => ({
      number: Number(t.number),
      role: t.role as TrialRecord['role'],
      subject: String(t.subject),
      domain: String(t.domain),
      params: fromJson(t.params),
      seed: Number(t.seed),
      state: t.state as TrialRecord['state'],
      reason: t.reason as string | null,
      metrics: fromJson(t.metrics),
      detail: fromJson(t.detail),
      startedAt: Number(t.started_at),
      durationMs: Number(t.duration_ms),
    })),
  };
}

/** Touches a running cycle's row. @throws KLR_E_FENCED when it is not running here any more */
async function update(tx: Database, id: string, assignments: string, ...values: (string | number)[]) {
  const changed = await tx.run(
    `UPDATE cycles SET ${assignments} WHERE id = ? AND state = 'running'`,
    ...values,
    id,
  );
  if (changed !== 1) throw new KlorosError('KLR_E_FENCED', `cycle ${id} does not run here`, { where: id });
}

/** A finished trial, the time used so far and the counter, in one transaction. @throws KLR_E_FENCED */
export async function insertTrial(
  ctx: Store,
  cycle: Pick<CycleRequest, 'id' | 'experiment'>,
  trial: TrialRecord,
  elapsedMs: number,
): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    await update(tx, cycle.id, 'elapsed_ms = ?', Math.ceil(elapsedMs));
    const added = await tx.run(
      `INSERT INTO trials (owner, number, experiment, role, subject, domain, params, seed, state, reason, metrics,
       detail, started_at, duration_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (owner, number) DO NOTHING`,
      cycle.id,
      trial.number,
      cycle.experiment,
      trial.role,
      trial.subject,
      trial.domain,
      JSON.stringify(trial.params),
      trial.seed,
      trial.state,
      trial.reason,
      JSON.stringify(trial.metrics),
      JSON.stringify(trial.detail),
      trial.startedAt,
      Math.ceil(trial.durationMs),
    );
    // A process that was paused for long and outrun may still write: whichever comes second gives way.
    if (added === 0)
      throw new KlorosError('KLR_E_FENCED', `trial ${trial.number} of ${cycle.id} was recorded by another`, {
        where: cycle.id,
      });
    await addCounter(tx, 'kloros_trials_total', {
      experiment: cycle.experiment,
      role: trial.role,
      state: trial.state,
    });
  });
}

/** What the search came to and who is measured again. @throws KLR_E_FENCED */
export async function saveScreening(ctx: Store, id: string, plan: ScreeningPlan): Promise<void> {
  await ctx.db.transaction((tx) => update(tx, id, 'screening = ?', JSON.stringify(plan)));
}

/** From paused, or from running when its process died, to running; `elapsedMs` stands. */
export async function markResumed(ctx: Store, cycle: StoredCycle): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    await tx.run(
      "UPDATE cycles SET state = 'running' WHERE id = ? AND state IN ('running', 'paused')",
      cycle.id,
    );
    await appendEvent(tx, {
      ts: ctx.clock.now(),
      kind: 'cycle.resumed',
      subject: cycle.id,
      experiment: cycle.request.experiment,
      data: { trials: cycle.trials.length, elapsed_ms: cycle.elapsedMs, after: cycle.state },
    });
  });
}

/**
 * How a run of a cycle ended: the row, the event, what the caller does and, unless it is paused, result and counters.
 * @param cancelled whether a person took it back, which is not held against the experiment
 * @throws KLR_E_FENCED
 */
export async function endRun(
  ctx: Store,
  cycle: Pick<CycleRequest, 'id' | 'experiment'>,
  result: CycleResult,
  elapsedMs: number,
  atEnd: AtEnd,
  cancelled = false,
): Promise<void> {
  const now = ctx.clock.now();
  const { id, experiment } = cycle;
  const elapsed = Math.ceil(elapsedMs);
  await ctx.db.transaction(async (tx) => {
    if (result.state === 'paused') await update(tx, id, "state = 'paused', elapsed_ms = ?", elapsed);
    else {
      const state = cancelled ? 'cancelled' : result.state === 'done' ? 'done' : 'failed';
      const text = JSON.stringify(result);
      await update(tx, id, 'elapsed_ms = ?, result = ?, ended_at = ?, state = ?', elapsed, text, now, state);
      await addCounter(tx, 'kloros_dream_cycles_total', {
        experiment,
        result: cancelled ? state : result.state,
      });
      await observe(tx, 'kloros_dream_cycle_duration_seconds', { experiment }, elapsed / 1000);
    }
    await appendEvent(tx, {
      ts: now,
      kind: result.state === 'paused' ? 'cycle.paused' : 'cycle.ended',
      subject: id,
      experiment,
      data: { state: result.state, reason: result.reason, elapsed_ms: elapsed, ...outcomeOf(result) },
    });
    await atEnd(tx, result, elapsed);
  });
}

function outcomeOf(result: CycleResult): Record<string, unknown> {
  if (result.state !== 'done') return {};
  return {
    evaluated: result.summary.evaluated,
    best_gain: result.summary.bestGain,
    winners: result.winners.length,
    screened: result.screened.map(({ id }) => id),
    rejected: result.rejected.map(({ id }) => id),
  };
}
