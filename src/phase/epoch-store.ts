import type { Params } from '../config/parameters.ts';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { addCounter } from '../metrics/counters.ts';
import type { Database } from '../store/database.ts';
import { canonicalJson, fromJson } from '../store/json.ts';
import { appendEvent } from '../store/ledger.ts';
import type { Metrics } from './blocks.ts';
import type { Judged } from './compare.ts';
import type { Environment } from './environment.ts';
import type { PlannedTrial, PlanSettings } from './plan.ts';
import type { EpochRequest } from './types.ts';

/** Trials of a later attempt are numbered from here on, times the attempts before: each attempt starts anew. */
export const ATTEMPT = 1_000_000;

/** What an epoch was started with: a resumed run sees nothing else. */
export interface EpochPlan {
  readonly request: EpochRequest;
  readonly settings: PlanSettings;
  readonly alpha: number;
  readonly minGain: number;
  /** Time for all runs together, ms. */
  readonly durationMs: number;
  readonly environment: Environment;
  /** What decides on the candidates of each experiment: with the measurements, all that the verdicts follow from. */
  readonly judged: Readonly<Record<string, Judged>>;
  /** Promotions that did not fit into the time: they wait for another epoch. */
  readonly postponed: readonly string[];
}

/** A finished trial of an epoch. */
export interface EpochTrial {
  readonly number: number;
  readonly experiment: string;
  readonly domain: string;
  readonly round: number;
  readonly role: PlannedTrial['role'];
  readonly subject: string;
  readonly params: Params;
  readonly seed: number;
  readonly state: 'completed' | 'failed';
  readonly reason: string | null;
  readonly metrics: Metrics;
  readonly outputTail: string;
  readonly startedAt: number;
  readonly durationMs: number;
}

export interface StoredEpoch {
  readonly id: string;
  readonly state: string;
  readonly attempts: number;
  readonly elapsedMs: number;
  readonly startedAt: number;
  readonly plan: EpochPlan;
  /** Of the present attempt, by number. */
  readonly trials: readonly EpochTrial[];
}

type Store = Pick<Context, 'db' | 'clock'>;

/**
 * Writes the epoch's row and event, and with it takes the date. Epochs that were left paused when their window closed
 * end here: none outlives its window.
 * @throws KLR_E_PHASE_USED when the date has an epoch already
 */
export async function insertEpoch(ctx: Store & Pick<Context, 'config'>, plan: EpochPlan): Promise<void> {
  const { request } = plan;
  const now = ctx.clock.now();
  await ctx.db.transaction(async (tx) => {
    await endLeftOver(tx, now);
    const used = await tx.get('SELECT id FROM epochs WHERE date = ? AND forced = 0', request.date);
    if (used && !request.forced)
      throw new KlorosError('KLR_E_PHASE_USED', `${request.date} has its epoch already: ${used.id}`, {
        where: request.id,
      });
    await tx.run(
      `INSERT INTO epochs (id, date, zone, forced, state, plan, seed, baseline_version, started_at)
       VALUES (?, ?, ?, ?, 'running', ?, ?, ?, ?)`,
      request.id,
      request.date,
      ctx.config.phase.window.zone,
      request.forced ? 1 : 0,
      JSON.stringify(plan),
      request.seed,
      request.baseline.version,
      now,
    );
    await appendEvent(tx, { ts: now, kind: 'epoch.started', subject: request.id, data: startedData(plan) });
  });
}

function startedData({ request, postponed }: EpochPlan): Record<string, unknown> {
  return {
    date: request.date,
    forced: request.forced,
    ends_at: request.endsAt,
    seed: request.seed,
    baseline_version: request.baseline.version,
    candidates: request.candidates.map(({ promotionId }) => promotionId),
    check_only: request.checkOnly,
    postponed,
  };
}

async function endLeftOver(tx: Database, now: number): Promise<void> {
  const rows = await tx.all<{ id: string }>("SELECT id FROM epochs WHERE state IN ('running', 'paused')");
  for (const { id } of rows) {
    await tx.run("UPDATE epochs SET state = 'voided', ended_at = ? WHERE id = ?", now, id);
    const data = { state: 'voided', reason: 'it was not resumed before the next epoch began' };
    await appendEvent(tx, { ts: now, kind: 'epoch.ended', subject: id, data });
  }
}

function toTrial(row: Record<string, string | number | null>): EpochTrial {
  const detail = fromJson<{ round: number; warmup: boolean; outputTail: string }>(row.detail);
  return {
    number: Number(row.number),
    experiment: String(row.experiment),
    domain: String(row.domain),
    round: detail.round,
    role: detail.warmup ? 'warmup' : (row.role as EpochTrial['role']),
    subject: String(row.subject),
    params: fromJson(row.params),
    seed: Number(row.seed),
    state: row.state as EpochTrial['state'],
    reason: row.reason as string | null,
    metrics: fromJson(row.metrics),
    outputTail: detail.outputTail,
    startedAt: Number(row.started_at),
    durationMs: Number(row.duration_ms),
  };
}

/** Everything that is stored of an epoch. @throws KLR_E_NOT_FOUND */
export async function loadEpoch(db: Database, id: string): Promise<StoredEpoch> {
  const row = await db.get(
    'SELECT state, attempts, elapsed_ms, started_at, plan FROM epochs WHERE id = ?',
    id,
  );
  if (!row)
    throw new KlorosError('KLR_E_NOT_FOUND', `there is no epoch ${id}`, {
      where: id,
      hint: 'List what exists with `kloros phase show`.',
    });
  const attempts = Number(row.attempts);
  const trials = await db.all(
    'SELECT * FROM trials WHERE owner = ? AND number >= ? ORDER BY number',
    id,
    (attempts - 1) * ATTEMPT,
  );
  return {
    id,
    state: String(row.state),
    attempts,
    elapsedMs: Number(row.elapsed_ms),
    startedAt: Number(row.started_at),
    plan: fromJson(row.plan),
    trials: trials.map(toTrial),
  };
}

/**
 * From paused, or from running when its process died, to running; a failed one starts anew with the same plan and
 * fresh measurements.
 */
export async function markResumed(ctx: Store, epoch: StoredEpoch, plan: EpochPlan): Promise<void> {
  const again = epoch.state === 'failed' ? 1 : 0;
  await ctx.db.transaction(async (tx) => {
    await tx.run(
      "UPDATE epochs SET state = 'running', ended_at = NULL, attempts = attempts + ?, plan = ? WHERE id = ?",
      again,
      JSON.stringify(plan),
      epoch.id,
    );
    await appendEvent(tx, {
      ts: ctx.clock.now(),
      kind: 'epoch.resumed',
      subject: epoch.id,
      data: {
        after: epoch.state,
        trials: again === 1 ? 0 : epoch.trials.length,
        elapsed_ms: epoch.elapsedMs,
      },
    });
  });
}

/** Touches a running epoch's row. @throws KLR_E_FENCED when it is not running here any more */
export async function updateRunning(
  tx: Database,
  id: string,
  assignments: string,
  ...values: (string | number | null)[]
): Promise<void> {
  const changed = await tx.run(
    `UPDATE epochs SET ${assignments} WHERE id = ? AND state = 'running'`,
    ...values,
    id,
  );
  if (changed !== 1) throw new KlorosError('KLR_E_FENCED', `epoch ${id} does not run here`, { where: id });
}

/** A finished trial, the time used so far and the counter, in one transaction. @throws KLR_E_FENCED */
export async function insertTrial(
  ctx: Store,
  id: string,
  trial: EpochTrial,
  elapsedMs: number,
): Promise<void> {
  const role = trial.role === 'warmup' ? 'baseline' : trial.role;
  await ctx.db.transaction(async (tx) => {
    await updateRunning(tx, id, 'elapsed_ms = ?', Math.ceil(elapsedMs));
    const added = await tx.run(
      `INSERT INTO trials (owner, number, experiment, role, subject, domain, params, seed, state, reason, metrics,
       detail, started_at, duration_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (owner, number) DO NOTHING`,
      id,
      trial.number,
      trial.experiment,
      role,
      trial.subject,
      trial.domain,
      canonicalJson(trial.params),
      trial.seed,
      trial.state,
      trial.reason,
      canonicalJson(trial.metrics),
      canonicalJson({ round: trial.round, warmup: trial.role === 'warmup', outputTail: trial.outputTail }),
      trial.startedAt,
      Math.ceil(trial.durationMs),
    );
    // A process that was paused for long and outrun may still write: whichever comes second gives way.
    if (added === 0)
      throw new KlorosError('KLR_E_FENCED', `trial ${trial.number} of ${id} was recorded by another`, {
        where: id,
      });
    await addCounter(tx, 'kloros_trials_total', { experiment: trial.experiment, role, state: trial.state });
  });
}

/** The last trials that tell how long one of an experiment takes. */
const RECENT = 50;

/** Mean duration of an experiment's recent completed trials, ms; null when there is none. */
export async function typicalDuration(db: Database, experiment: string): Promise<number | null> {
  const rows = await db.all<{ duration_ms: number }>(
    `SELECT duration_ms FROM trials WHERE experiment = ? AND state = 'completed'
     ORDER BY started_at DESC LIMIT ?`,
    experiment,
    RECENT,
  );
  return rows.length === 0 ? null : rows.reduce((sum, r) => sum + r.duration_ms, 0) / rows.length;
}
