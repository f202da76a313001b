/**
 * Every metric that KLoROS exports, once. A label has a closed list of values, or is the name of an experiment: no text
 * from outside becomes a series of its own, and every series of a counter exists from the start with 0, so that its
 * first increase is seen.
 */

/** The values of a label: these and no others, the names of experiments, or the version of the program. */
export type LabelValues = readonly string[] | 'experiment' | 'version';

export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: Readonly<Record<string, LabelValues>>;
  /** What one is; names end with it where Prometheus asks for that. */
  readonly unit?: 'seconds' | 'bytes' | 'ratio';
  /** `kept`: counted in the transaction that changes the state. `computed`: read from the state when asked. */
  readonly source: 'kept' | 'computed';
  /** Upper edges of a histogram, ascending. */
  readonly buckets?: readonly number[];
}

const LOCKS = ['orchestrator', 'dream', 'phase', 'baseline', 'daemon'] as const;
const OPEN_STATES = ['received', 'screened', 'accepted', 'escrowed', 'approved'] as const;
const END_STATES = ['committed', 'rejected', 'refused', 'expired', 'superseded'] as const;
const EXPERIMENT = { experiment: 'experiment' } as const;
const SECONDS = [1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14_400, 28_800] as const;

const counter = <L extends MetricDefinition['labels']>(help: string, labels: L) =>
  ({ type: 'counter', help, labels, source: 'kept' }) as const;
const gauge = <L extends MetricDefinition['labels']>(
  help: string,
  labels: L,
  unit?: MetricDefinition['unit'],
) => ({ type: 'gauge', help, labels, source: 'computed', ...(unit && { unit }) }) as const;
const keptGauge = <L extends MetricDefinition['labels']>(
  help: string,
  labels: L,
  unit?: MetricDefinition['unit'],
) => ({ ...gauge(help, labels, unit), source: 'kept' }) as const;
const durations = <L extends MetricDefinition['labels']>(
  help: string,
  labels: L,
  buckets: readonly number[],
) => ({ type: 'histogram', help, labels, source: 'kept', unit: 'seconds', buckets }) as const;

export const CATALOGUE = {
  // the loop
  kloros_build_info: gauge('1, with the version of the program as its label.', { version: 'version' }),
  kloros_mode: gauge('1 for the mode in force, 0 for the others.', {
    mode: ['disabled', 'observe', 'enabled'],
  }),
  kloros_kill_switch: gauge('1 when the kill switch is set.', {}),
  kloros_alive_timestamp_seconds: gauge(
    'When the loop was last seen alive, Unix time: the end of the last tick, or now while an action is under way.',
    {},
    'seconds',
  ),
  kloros_tick_interval_seconds: gauge('The pause between two ticks, as configured.', {}, 'seconds'),
  kloros_ticks_total: counter('Ticks by outcome.', {
    outcome: [
      'DISABLED',
      'KILLED',
      'LOCKED',
      'RECOVERED',
      'WATCH_OK',
      'ROLLED_BACK',
      'PHASE_EPOCH',
      'PHASE_FAILED',
      'PHASE_TIMEOUT',
      'BASELINE_COMMIT',
      'ESCROWED',
      'DREAM_CYCLE',
      'DREAM_FAILED',
      'DREAM_TIMEOUT',
      'PROMOTION_REJECTED',
      'INTENT',
      'REFLECTED',
      'NOOP',
      'ERROR',
    ],
  }),
  kloros_tick_duration_seconds: durations(
    'How long ticks took.',
    {},
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 60, 900, 3600, 14_400],
  ),
  kloros_last_tick_timestamp_seconds: keptGauge('When the last tick ended, Unix time.', {}, 'seconds'),
  kloros_action_running: gauge('1 for the action that is under way.', {
    kind: ['recover', 'watch', 'phase', 'carry-out', 'dream', 'rejected', 'intents', 'reflect'],
  }),
  kloros_action_started_timestamp_seconds: gauge(
    'When the action under way began, Unix time.',
    {},
    'seconds',
  ),
  kloros_action_deadline_timestamp_seconds: gauge(
    'When the action under way is overdue: the time to live of its lock, Unix time.',
    {},
    'seconds',
  ),
  kloros_recoveries_total: counter('Unfinished actions of dead processes that were recovered.', {}),
  kloros_reflections_total: counter('Idle reflections.', {}),
  kloros_ledger_events: gauge('Events in the ledger.', {}),
  kloros_outbox_files: gauge('Files that a decision owes and that are not written yet.', {}),
  kloros_metrics_errors: gauge(
    'Groups of metrics that could not be read when asked; the others are right.',
    {},
  ),
  // locks
  kloros_lock_contention_total: counter('Tries of a lock that another process held.', { lock: LOCKS }),
  kloros_lock_reaped_total: counter('Locks that a dead process had not released.', { lock: LOCKS }),
  kloros_lock_outrun_total: counter('Holders past their time to live whose token was revoked.', {
    lock: LOCKS,
  }),
  // trials and their budget
  kloros_trials_total: counter('Trials by experiment, role and state.', {
    ...EXPERIMENT,
    role: ['search', 'screen', 'baseline', 'candidate', 'calibration', 'health'],
    state: ['completed', 'failed', 'stopped'],
  }),
  kloros_trials_refused_total: counter('Trials that the governor refused, by cause.', {
    cause: ['disk', 'rate', 'breaker', 'unknown'],
  }),
  kloros_trials_last_hour: gauge('Trials that were started in the last hour.', {}),
  kloros_trials_per_hour_limit: gauge('Trials that the governor allows in an hour.', {}),
  kloros_breaker_opened_total: counter(
    'Times that failed trials in a row opened the circuit breaker.',
    EXPERIMENT,
  ),
  kloros_breaker_open: gauge('1 while the circuit breaker of an experiment is not closed.', EXPERIMENT),
  kloros_disk_free_bytes: gauge('Free space on the file system of the home.', {}, 'bytes'),
  kloros_disk_free_floor_bytes: gauge('Free space below which no trial is started.', {}, 'bytes'),
  // D-REAM
  kloros_dream_cycles_total: counter('D-REAM cycles by experiment and result.', {
    ...EXPERIMENT,
    result: ['done', 'failed', 'timeout', 'cancelled'],
  }),
  kloros_dream_cycle_duration_seconds: durations(
    'How long D-REAM cycles took, all their runs.',
    EXPERIMENT,
    SECONDS,
  ),
  kloros_dream_budget_used_ratio: gauge(
    'Share of the budget that the cycle under way or paused has used: trials or time, whichever is more.',
    EXPERIMENT,
    'ratio',
  ),
  // promotions
  kloros_promotions_total: counter('Promotions by the state that they reached.', {
    state: ['received', ...END_STATES],
  }),
  kloros_promotions_unacknowledged: gauge('Promotions that have no final answer yet.', {}),
  kloros_promotions_waiting: gauge('Promotions without a final answer, by state.', { state: OPEN_STATES }),
  kloros_promotions_limit: gauge('Promotions that may wait at most.', {}),
  kloros_promotions_oldest_timestamp_seconds: gauge(
    'Since when the longest waiting promotion of a state waits, Unix time; absent when none does.',
    { state: OPEN_STATES },
    'seconds',
  ),
  // PHASE
  kloros_phase_epochs_total: counter('PHASE epochs by result.', {
    result: ['done', 'failed', 'timeout', 'voided'],
  }),
  kloros_phase_epoch_duration_seconds: durations('How long PHASE epochs took, all their runs.', {}, SECONDS),
  kloros_phase_verdicts_total: counter('Verdicts of PHASE by experiment.', {
    ...EXPERIMENT,
    verdict: ['accept', 'reject', 'inconclusive', 'error'],
  }),
  kloros_phase_calibrations_total: counter('Measurements of the baseline against itself (A/A).', EXPERIMENT),
  kloros_phase_false_positives_total: counter('A/A measurements that showed a difference.', EXPERIMENT),
  kloros_phase_false_positive_ratio: gauge(
    'Share of all A/A measurements that showed a difference; absent before the first.',
    EXPERIMENT,
    'ratio',
  ),
  kloros_phase_alpha_ratio: gauge('The error that PHASE allows itself, as configured.', {}, 'ratio'),
  kloros_phase_detectable_gain: keptGauge(
    'Smallest relative gain that the last A/A noise lets PHASE see.',
    EXPERIMENT,
  ),
  kloros_phase_optimism_ratio: gauge(
    'By how much the search claimed more than PHASE measured, as a mean of the last epochs.',
    EXPERIMENT,
    'ratio',
  ),
  kloros_phase_window_open: gauge('1 while the PHASE window is open.', {}),
  kloros_phase_next_window_timestamp_seconds: gauge(
    'When the next PHASE window opens, Unix time.',
    {},
    'seconds',
  ),
  kloros_phase_last_epoch_timestamp_seconds: gauge(
    'When the last PHASE epoch was completed, Unix time; 0 when none was.',
    {},
    'seconds',
  ),
  // escrow
  kloros_escrow_total: counter('Escrow entries by the state that they reached.', {
    state: ['requested', 'approved', 'rejected', 'expired', 'used', 'void'],
  }),
  kloros_escrow_waiting: gauge('Escrow entries that wait for a person.', {}),
  kloros_escrow_oldest_timestamp_seconds: gauge(
    'Since when the oldest escrow entry waits, Unix time; absent when none does.',
    {},
    'seconds',
  ),
  kloros_escrow_next_expiry_timestamp_seconds: gauge(
    'When the next waiting escrow entry expires, Unix time; absent when none waits.',
    {},
    'seconds',
  ),
  kloros_escrow_untold: gauge(
    'Waiting escrow entries that the notification command has not taken; 0 without one.',
    {},
  ),
  kloros_autonomy_lowered: gauge(
    'Parameters that may go less far alone than configured, after a surprise or for flapping.',
    EXPERIMENT,
  ),
  // intents
  kloros_intents_total: counter('Intents by type and outcome.', {
    type: ['trigger_dream', 'trigger_phase', 'rollback', 'reflect'],
    outcome: ['done', 'failed', 'duplicate', 'stale', 'overflow', 'invalid', 'quarantined'],
  }),
  kloros_intents_waiting: gauge('Intents in the queue.', {}),
  kloros_intents_limit: gauge('Intents that may wait at most.', {}),
  // the baseline
  kloros_baseline_version: keptGauge('The version of the baseline in force; 0: the defaults.', {}),
  kloros_baseline_timestamp_seconds: gauge(
    'Since when the baseline is in force, Unix time; absent for version 0.',
    {},
    'seconds',
  ),
  kloros_baseline_commits_total: counter('Versions of the baseline by kind.', {
    kind: ['promotion', 'rollback'],
  }),
  kloros_baseline_applies_total: counter('Applies of the baseline to the target by result.', {
    result: ['applied', 'failed'],
  }),
  kloros_baseline_apply_state: gauge('1 for the state of the apply of the baseline in force.', {
    state: ['owed', 'applied', 'failed', 'none'],
  }),
  kloros_watch_active: gauge('1 while a new baseline is being watched.', {}),
  kloros_watch_failures: gauge('Checks of the watched baseline that failed in a row.', {}),
  kloros_watch_deadline_timestamp_seconds: gauge(
    'When the watch under way ends, Unix time; absent when there is none.',
    {},
    'seconds',
  ),
  kloros_watch_checks_total: counter('Checks of a watched baseline by result.', {
    result: ['healthy', 'unhealthy', 'unknown'],
  }),
  kloros_drill_last_success_timestamp_seconds: gauge(
    'When the last fire drill passed, Unix time; until the first one when the home was made.',
    {},
    'seconds',
  ),
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof CATALOGUE;

type Named<Type, Source> = {
  [Name in MetricName]: (typeof CATALOGUE)[Name] extends { readonly type: Type; readonly source: Source }
    ? Name
    : never;
}[MetricName];

export type CounterName = Named<'counter', 'kept'>;
export type KeptGaugeName = Named<'gauge', 'kept'>;
export type ComputedGaugeName = Named<'gauge', 'computed'>;
export type HistogramName = Named<'histogram', 'kept'>;

/** The definition of a metric by its name, or undefined. */
export function definitionOf(name: string): MetricDefinition | undefined {
  return Object.hasOwn(CATALOGUE, name) ? CATALOGUE[name as MetricName] : undefined;
}
