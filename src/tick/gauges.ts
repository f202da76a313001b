import { activeWatch } from '../baseline/watch-store.ts';
import type { Context } from '../context.ts';
import { autonomyNow, readDemotions } from '../escrow/autonomy.ts';
import { readKill } from '../home/killswitch.ts';
import { modeState } from '../home/mode.ts';
import { lockIsHeld, readHolder } from '../lock/acquire.ts';
import { CATALOGUE, type ComputedGaugeName } from '../metrics/catalogue.ts';
import type { Labels, MetricValue } from '../metrics/counters.ts';
import { phaseWindow } from '../phase/due.ts';
import { fromJson } from '../store/json.ts';
import { governorState } from '../trial/governor.ts';
import { VERSION } from '../version.ts';

type Read = Omit<Context, 'log' | 'random'>;

function gauge(name: ComputedGaugeName, value: number, labels: Labels = {}): MetricValue {
  return { name, labels, value };
}

/** A time as Prometheus takes it, when there is one. */
function time(name: ComputedGaugeName, ms: number | null | undefined, labels: Labels = {}): MetricValue[] {
  return ms === null || ms === undefined ? [] : [gauge(name, ms / 1000, labels)];
}

/** One series a value of `label`: 1 for what holds, 0 for the rest. */
function stateSet(
  name: ComputedGaugeName,
  label: string,
  values: readonly string[],
  holds: string | undefined,
): MetricValue[] {
  return values.map((value) => gauge(name, value === holds ? 1 : 0, { [label]: value }));
}

async function number(ctx: Read, sql: string): Promise<number | null> {
  return (await ctx.db.get<{ n: number | null }>(sql))?.n ?? null;
}

async function loop(ctx: Read): Promise<MetricValue[]> {
  const now = ctx.clock.now();
  const row = await ctx.db.get<{ kind: string; startedAt: number }>(
    `SELECT kind, started_at AS "startedAt" FROM actions WHERE state = 'running' ORDER BY started_at DESC LIMIT 1`,
  );
  // A row without the lock is what a dead process left.
  const running = row && lockIsHeld(ctx.paths, 'orchestrator', ctx.fs) ? row : null;
  const holder = running ? readHolder(ctx.paths, 'orchestrator', ctx.fs) : null;
  const ticked = await number(
    ctx,
    "SELECT value AS n FROM metrics WHERE name = 'kloros_last_tick_timestamp_seconds'",
  );
  const kinds = CATALOGUE.kloros_action_running.labels.kind;
  return [
    ...time('kloros_alive_timestamp_seconds', running ? now : (ticked ?? 0) * 1000),
    ...stateSet('kloros_action_running', 'kind', kinds, running?.kind),
    ...time('kloros_action_started_timestamp_seconds', running?.startedAt),
    ...time('kloros_action_deadline_timestamp_seconds', holder && holder.acquiredAt + holder.ttlMs),
    gauge('kloros_ledger_events', (await number(ctx, 'SELECT MAX(seq) AS n FROM events')) ?? 0),
    gauge('kloros_outbox_files', (await number(ctx, 'SELECT COUNT(*) AS n FROM outbox')) ?? 0),
  ];
}

async function switches(ctx: Read): Promise<MetricValue[]> {
  const modes = CATALOGUE.kloros_mode.labels.mode;
  const drilled = await ctx.db.get<{ value: string }>(
    "SELECT value FROM meta WHERE key IN ('drilled_at', 'created_at') ORDER BY key DESC LIMIT 1",
  );
  return [
    gauge('kloros_build_info', 1, { version: VERSION }),
    ...stateSet('kloros_mode', 'mode', modes, modeState(ctx).mode),
    gauge('kloros_kill_switch', readKill(ctx.paths, ctx.fs).set ? 1 : 0),
    gauge('kloros_tick_interval_seconds', ctx.config.tick.interval / 1000),
    ...time('kloros_drill_last_success_timestamp_seconds', drilled && Number(drilled.value)),
  ];
}

async function governor(ctx: Read): Promise<MetricValue[]> {
  const g = await governorState(ctx);
  return [
    gauge('kloros_trials_last_hour', g.trialsLastHour),
    gauge('kloros_trials_per_hour_limit', g.trialsPerHour),
    gauge('kloros_disk_free_floor_bytes', g.minFreeDisk),
    ...(g.freeDisk === null ? [] : [gauge('kloros_disk_free_bytes', g.freeDisk)]),
    ...g.breakers.map(({ experiment, state }) =>
      gauge('kloros_breaker_open', state === 'closed' ? 0 : 1, { experiment }),
    ),
  ];
}

async function promotions(ctx: Read): Promise<MetricValue[]> {
  const states = CATALOGUE.kloros_promotions_waiting.labels.state;
  const rows = await ctx.db.all<{ state: string; n: number; oldest: number }>(
    `SELECT state, COUNT(*) AS n, MIN(updated_at) AS oldest FROM promotions
     WHERE state IN (${states.map(() => '?').join(', ')}) GROUP BY state`,
    ...states,
  );
  const of = (state: string) => rows.find((row) => row.state === state);
  return [
    gauge(
      'kloros_promotions_unacknowledged',
      rows.reduce((sum, { n }) => sum + n, 0),
    ),
    gauge('kloros_promotions_limit', ctx.config.promotions.max_waiting),
    ...states.flatMap((state) => [
      gauge('kloros_promotions_waiting', of(state)?.n ?? 0, { state }),
      ...time('kloros_promotions_oldest_timestamp_seconds', of(state)?.oldest, { state }),
    ]),
  ];
}

async function loweredAutonomy(ctx: Read): Promise<MetricValue[]> {
  const demotions = await readDemotions(ctx.db);
  return Object.entries(ctx.config.experiments).map(([experiment, { parameters }]) => {
    const lowered = demotions.filter((d) => {
      const parameter = d.experiment === experiment ? parameters[d.parameter] : undefined;
      return parameter !== undefined && autonomyNow(parameter, d) !== parameter.autonomy;
    });
    return gauge('kloros_autonomy_lowered', lowered.length, { experiment });
  });
}

async function queues(ctx: Read): Promise<MetricValue[]> {
  const escrow = await ctx.db.get<{
    n: number;
    oldest: number | null;
    expiry: number | null;
    untold: number;
  }>(
    `SELECT COUNT(*) AS n, MIN(requested_at) AS oldest, MIN(expires_at) AS expiry,
     COUNT(*) - COUNT(told_at) AS untold
     FROM escrow WHERE state = 'waiting'`,
  );
  return [
    gauge('kloros_escrow_waiting', escrow?.n ?? 0),
    ...time('kloros_escrow_oldest_timestamp_seconds', escrow?.oldest),
    ...time('kloros_escrow_next_expiry_timestamp_seconds', escrow?.expiry),
    gauge('kloros_escrow_untold', ctx.config.escrow.notify === undefined ? 0 : (escrow?.untold ?? 0)),
    ...(await loweredAutonomy(ctx)),
    gauge(
      'kloros_intents_waiting',
      (await number(ctx, "SELECT COUNT(*) AS n FROM intents WHERE state = 'waiting'")) ?? 0,
    ),
    gauge('kloros_intents_limit', ctx.config.intents.max_waiting),
  ];
}

async function baseline(ctx: Read): Promise<MetricValue[]> {
  const row = await ctx.db.get<{ version: number; ts: number; state: string }>(
    'SELECT version, ts, apply_state AS state FROM baselines ORDER BY version DESC LIMIT 1',
  );
  const watch = await activeWatch(ctx.db);
  const states = CATALOGUE.kloros_baseline_apply_state.labels.state;
  return [
    // Kept from the first commit on; before it, the defaults are in force.
    ...(row ? [] : [{ name: 'kloros_baseline_version', labels: {}, value: 0 }]),
    ...time('kloros_baseline_timestamp_seconds', row?.ts),
    ...stateSet('kloros_baseline_apply_state', 'state', states, row?.state ?? 'none'),
    gauge('kloros_watch_active', watch ? 1 : 0),
    gauge('kloros_watch_failures', watch?.failures ?? 0),
    ...time('kloros_watch_deadline_timestamp_seconds', watch?.deadline),
  ];
}

async function phase(ctx: Read): Promise<MetricValue[]> {
  const window = await phaseWindow(ctx);
  const last = await number(ctx, "SELECT MAX(ended_at) AS n FROM epochs WHERE state = 'done'");
  return [
    gauge('kloros_phase_window_open', window.date === null ? 0 : 1),
    ...time('kloros_phase_next_window_timestamp_seconds', window.nextOpensAt),
    ...time('kloros_phase_last_epoch_timestamp_seconds', last ?? 0),
    gauge('kloros_phase_alpha_ratio', ctx.config.phase.alpha),
  ];
}

/** Epochs and verdicts that the optimism is the mean of, at most. */
const EPOCHS = 10;
const VERDICTS = 100;

async function optimism(ctx: Read): Promise<MetricValue[]> {
  const rows = await ctx.db.all<{ statistics: string }>(
    `SELECT statistics FROM verdicts WHERE epoch_id IN (
       SELECT id FROM epochs WHERE state = 'done' ORDER BY started_at DESC LIMIT ${EPOCHS}) LIMIT ${VERDICTS}`,
  );
  const known = rows
    .map((row) => fromJson<{ experiment?: string; optimism?: number | null }>(row.statistics))
    .filter((s) => typeof s.optimism === 'number');
  const byExperiment = Map.groupBy(known, ({ experiment }) => experiment ?? '');
  return [...byExperiment].map(([experiment, all]) => {
    const mean = all.reduce((sum, s) => sum + (s.optimism ?? 0), 0) / all.length;
    return gauge('kloros_phase_optimism_ratio', mean, { experiment });
  });
}

async function calibration(ctx: Read): Promise<MetricValue[]> {
  const rows = await ctx.db.all<{ name: string; labels: string; value: number }>(
    `SELECT name, labels, value FROM metrics
     WHERE name IN ('kloros_phase_calibrations_total', 'kloros_phase_false_positives_total')`,
  );
  return rows
    .filter((row) => row.name === 'kloros_phase_calibrations_total' && row.value > 0)
    .map(({ labels, value }) => {
      const shown = rows.find((r) => r.name !== 'kloros_phase_calibrations_total' && r.labels === labels);
      return gauge(
        'kloros_phase_false_positive_ratio',
        (shown?.value ?? 0) / value,
        fromJson<Labels>(labels),
      );
    });
}

async function budget(ctx: Read): Promise<MetricValue[]> {
  const cycle = await ctx.db.get<{ id: string; experiment: string; elapsed: number; request: string }>(
    `SELECT id, experiment, elapsed_ms AS elapsed, request FROM cycles
     WHERE state IN ('running', 'paused') ORDER BY started_at DESC LIMIT 1`,
  );
  if (!cycle) return [];
  const { trials, durationMs } = fromJson<{ trials: number; durationMs: number }>(cycle.request);
  const done = await ctx.db.get<{ n: number }>(
    "SELECT COUNT(DISTINCT subject) AS n FROM trials WHERE owner = ? AND role = 'search'",
    cycle.id,
  );
  const used = Math.max((done?.n ?? 0) / trials, cycle.elapsed / durationMs);
  return Number.isFinite(used)
    ? [gauge('kloros_dream_budget_used_ratio', used, { experiment: cycle.experiment })]
    : [];
}

const GROUPS = [
  switches,
  loop,
  governor,
  promotions,
  queues,
  baseline,
  phase,
  optimism,
  calibration,
  budget,
] as const;

/**
 * What is read from the state when metrics are asked for: each by an index, or from a table that retention bounds, never
 * from the ledger. A group that cannot be read is counted and hides no other.
 */
export async function readGauges(ctx: Read): Promise<MetricValue[]> {
  const values: MetricValue[] = [];
  let errors = 0;
  for (const group of GROUPS) {
    try {
      values.push(...(await group(ctx)));
    } catch {
      errors++;
    }
  }
  return [...values, gauge('kloros_metrics_errors', errors)];
}
