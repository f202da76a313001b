import type { Params } from '../config/parameters.ts';
import type { Experiment } from '../config/schema.ts';
import type { Context } from '../context.ts';
import type { Control } from '../control.ts';
import { canonicalJson } from '../store/json.ts';
import type { Executor, TrialRequest, TrialResult } from '../trial/types.ts';
import type { Metrics } from './blocks.ts';
import { ATTEMPT, type EpochTrial, insertTrial, type StoredEpoch } from './epoch-store.ts';
import type { PlannedBlock, PlannedTrial } from './plan.ts';

/** Why this run of the epoch measures no more. `time`: what was measured is judged. */
export interface Interruption {
  readonly state: 'paused' | 'failed' | 'voided' | 'time';
  readonly reason: string;
}

/** Kept for ending a trial and writing the report before the window's edge: this share of the time, at most so much. */
const RESERVE = { share: 0.05, mostMs: 5000 };

/** The metrics that a trial has to yield. */
function requiredMetrics(experiment: Pick<Experiment, 'objectives' | 'guardrails'>): string[] {
  return [...new Set([...experiment.objectives, ...experiment.guardrails].map(({ metric }) => metric))];
}

/**
 * Measures for one epoch, one trial at a time so that none disturbs another: what is recorded already is taken from
 * the record, everything else is run and recorded before it is returned.
 */
export class Measurer {
  readonly #ctx: Context;
  readonly #executor: Executor;
  readonly #control: Control;
  readonly #epoch: StoredEpoch;
  readonly #recorded: ReadonlyMap<number, EpochTrial>;
  readonly #startedAt: number;
  readonly #longest = new Map<string, number>();
  #next: number;
  #interruption: Interruption | null = null;

  constructor(ctx: Context, executor: Executor, control: Control, epoch: StoredEpoch) {
    this.#ctx = ctx;
    this.#executor = executor;
    this.#control = control;
    this.#epoch = epoch;
    this.#recorded = new Map(epoch.trials.map((trial) => [trial.number, trial]));
    this.#next = (epoch.attempts - 1) * ATTEMPT;
    this.#startedAt = ctx.clock.monotonic();
  }

  get interruption(): Interruption | null {
    return this.#interruption;
  }

  /** Ends this run of the epoch; the first reason stands. */
  interrupt(state: Interruption['state'], reason: string): void {
    this.#interruption ??= { state, reason };
  }

  /** Time used over all runs of the epoch, ms. */
  elapsedMs(): number {
    return this.#epoch.elapsedMs + this.#ctx.clock.monotonic() - this.#startedAt;
  }

  /** Time left for measuring, ms: by the wall clock up to the window's edge, and by the monotonic one within the budget. */
  leftMs(): number {
    const { request, durationMs } = this.#epoch.plan;
    const reserve = Math.min(RESERVE.mostMs, durationMs * RESERVE.share);
    return Math.min(request.endsAt - this.#ctx.clock.now(), durationMs - this.elapsedMs()) - reserve;
  }

  /** Whether a whole block, at the pace so far, still fits. What is recorded already takes no time. */
  fits(block: PlannedBlock): boolean {
    if (this.#recorded.has(this.#next + block.trials.length - 1)) return true;
    const longest = this.#longest.get(`${block.experiment}/${block.domain}`) ?? 0;
    return this.leftMs() > longest * block.trials.length;
  }

  /** The finished trial, from the record or from a run; null when this run of the epoch is interrupted. */
  async measure(block: PlannedBlock, planned: PlannedTrial, params: Params): Promise<EpochTrial | null> {
    if (this.#interruption) return null;
    const number = this.#next++;
    const { experiment, domain, round } = block;
    const wanted = { number, experiment, domain, round, ...planned, params };
    const trial = this.#replay(wanted) ?? (await this.#run(wanted));
    if (!trial) return null;
    const key = `${experiment}/${domain}`;
    this.#longest.set(key, Math.max(this.#longest.get(key) ?? 0, trial.durationMs));
    return trial;
  }

  #replay(
    wanted: Pick<EpochTrial, 'number' | 'domain' | 'role' | 'subject' | 'seed' | 'params'>,
  ): EpochTrial | null {
    const known = this.#recorded.get(wanted.number);
    if (!known) return null;
    const identity = (t: typeof wanted) => canonicalJson([t.domain, t.role, t.subject, t.seed, t.params]);
    if (identity(known) === identity(wanted)) return known;
    this.interrupt(
      'failed',
      `trial ${wanted.number} is not the one that was planned: another version started it`,
    );
    return null;
  }

  async #run(wanted: Omit<EpochTrial, keyof Evidence>): Promise<EpochTrial | null> {
    if (!(await this.#mayStart())) return null;
    const experiment = this.#ctx.config.experiments[wanted.experiment] as Experiment;
    const leftMs = Math.max(1, Math.floor(this.leftMs()));
    const timeout = Math.min(experiment.limits.timeout, leftMs);
    const result = await this.#executor.run(this.#request(wanted, experiment, timeout), {
      signal: this.#control.abort,
    });
    if (this.#cutShort(result, timeout < experiment.limits.timeout)) return null;
    const trial = { ...wanted, ...evidenceOf(result, requiredMetrics(experiment)) };
    await insertTrial(this.#ctx, this.#epoch.id, trial, this.elapsedMs());
    return trial;
  }

  async #mayStart(): Promise<boolean> {
    const top = await this.#ctx.db.get<{ version: number | null }>(
      'SELECT MAX(version) AS version FROM baselines',
    );
    const { version } = this.#epoch.plan.request.baseline;
    if ((top?.version ?? 0) !== version)
      this.interrupt('voided', `the baseline moved on from version ${version}`);
    const stop = this.#control.stopReason() ?? (this.#control.abort.aborted ? 'shutdown' : null);
    if (stop === 'cancelled') this.interrupt('failed', 'cancelled');
    else if (stop === 'window-edge' || stop === 'budget') this.interrupt('time', 'the time is used up');
    else if (stop !== null) this.interrupt('paused', stop);
    if (this.leftMs() <= 0) this.interrupt('time', 'the time is used up');
    return this.#interruption === null;
  }

  /** A trial that was ended from outside says nothing of its configuration: it is not recorded. */
  #cutShort(result: TrialResult, byTheEdge: boolean): boolean {
    if (result.state === 'completed') return false;
    if (this.#control.abort.aborted) this.interrupt('paused', this.#control.stopReason() ?? 'shutdown');
    else if (result.state === 'stopped') this.interrupt('paused', result.reason);
    else if (result.failure === 'timeout' && byTheEdge) this.interrupt('time', 'the time is used up');
    return this.#interruption !== null;
  }

  #request(wanted: Omit<EpochTrial, keyof Evidence>, experiment: Experiment, timeout: number): TrialRequest {
    return {
      id: `${this.#epoch.id}-t${wanted.number}`.toLowerCase().replaceAll(/[^a-z0-9._-]/g, '-'),
      experiment: wanted.experiment,
      domain: wanted.domain,
      domainArgs: experiment.domains[wanted.domain]?.args ?? {},
      params: wanted.params,
      seed: wanted.seed,
      evaluator: experiment.evaluator,
      limits: { ...experiment.limits, timeout },
      required: requiredMetrics(experiment),
    };
  }
}

type Evidence = Pick<EpochTrial, 'state' | 'reason' | 'metrics' | 'outputTail' | 'startedAt' | 'durationMs'>;

/** What of a result is kept. Only finite numbers are evidence, whatever the executor let pass. */
function evidenceOf(result: TrialResult, required: readonly string[]): Evidence {
  const metrics: Metrics = Object.fromEntries(
    Object.entries(result.metrics).filter(([, value]) => Number.isFinite(value)),
  );
  const missing = required.find((name) => !Object.hasOwn(metrics, name));
  const reason =
    result.state === 'failed'
      ? `${result.failure}: ${result.reason}`
      : missing === undefined
        ? null
        : `metric ${missing} is missing or not finite`;
  return {
    state: reason === null ? 'completed' : 'failed',
    reason,
    metrics,
    outputTail: result.outputTail,
    startedAt: result.startedAt,
    durationMs: result.durationMs,
  };
}
