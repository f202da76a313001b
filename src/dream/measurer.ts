import type { Experiment } from '../config/schema.ts';
import type { Context } from '../context.ts';
import type { Control } from '../control.ts';
import { canonicalJson } from '../store/json.ts';
import type { Executor, TrialRequest, TrialResult, TrialStep } from '../trial/types.ts';
import { insertTrial, type StoredCycle, type TrialRecord } from './cycle-store.ts';
import { requiredMetrics } from './score.ts';
import { Slots } from './slots.ts';
import type { CycleResult } from './types.ts';

/** One measurement that the cycle wants. */
export type Wanted = Pick<TrialRecord, 'number' | 'role' | 'subject' | 'domain' | 'params' | 'seed'>;

/** Why the cycle cannot measure any more in this run. */
export interface Interruption {
  readonly state: Exclude<CycleResult['state'], 'done'>;
  readonly reason: string;
  readonly cancelled?: boolean;
}

interface Options {
  /** Time that is kept for what comes later: the trial ends that much before the budget does. */
  readonly reserveMs?: number;
  readonly onStep?: (step: TrialStep) => 'go-on' | 'stop';
}

/**
 * Measures for one cycle: what the trials table already holds is taken from there, everything else is run, within the
 * slots, the time budget and what `control` asks, and recorded before it is returned.
 */
export class Measurer {
  readonly #ctx: Pick<Context, 'db' | 'clock'>;
  readonly #executor: Executor;
  readonly #control: Control;
  readonly #cycle: StoredCycle;
  readonly #experiment: Experiment;
  readonly #recorded: Map<number, TrialRecord>;
  readonly #slots: Slots;
  readonly #startedAt: number;
  #interruption: Interruption | null = null;

  constructor(
    ctx: Pick<Context, 'db' | 'clock'>,
    executor: Executor,
    control: Control,
    cycle: StoredCycle,
    experiment: Experiment,
  ) {
    this.#ctx = ctx;
    this.#executor = executor;
    this.#control = control;
    this.#cycle = cycle;
    this.#experiment = experiment;
    this.#recorded = new Map(cycle.trials.map((trial) => [trial.number, trial]));
    this.#slots = new Slots(executor.slots);
    this.#startedAt = ctx.clock.monotonic();
  }

  /** Set once a measurement could not be made for a reason that ends this run of the cycle. */
  get interruption(): Interruption | null {
    return this.#interruption;
  }

  /** Time used over all runs of the cycle, ms. */
  elapsedMs(): number {
    return this.#cycle.elapsedMs + this.#ctx.clock.monotonic() - this.#startedAt;
  }

  /** What is left of the time budget, ms; below 0 when it is used up. */
  leftMs(): number {
    return this.#cycle.request.durationMs - this.elapsedMs();
  }

  has(number: number): boolean {
    return this.#recorded.has(number);
  }

  /** Mean duration of the trials of this cycle so far, ms; 0 when there are none. */
  meanTrialMs(): number {
    if (this.#recorded.size === 0) return 0;
    let sum = 0;
    for (const { durationMs } of this.#recorded.values()) sum += durationMs;
    return sum / this.#recorded.size;
  }

  /**
   * The measurement, from the record or from a trial; null when it could not be made: `interruption` says why, or is
   * null when only the time outside `reserveMs` is used up.
   * @throws KLR_E_FENCED, and what the executor throws
   */
  async measure(wanted: Wanted, options: Options = {}): Promise<TrialRecord | null> {
    const known = this.#recorded.get(wanted.number);
    if (known) return this.#sameAs(wanted, known);
    try {
      return await this.#slots.with(() => this.#run(wanted, options));
    } catch (error) {
      // Whatever else is under way comes to its end, and nothing new is started.
      this.#interruption ??= { state: 'failed', reason: String(error) };
      throw error;
    }
  }

  #sameAs(wanted: Wanted, known: TrialRecord): TrialRecord | null {
    const identity = (w: Wanted) => canonicalJson([w.domain, w.seed, w.params]);
    if (identity(wanted) === identity(known)) return known;
    this.#interruption ??= {
      state: 'failed',
      reason: `the search no longer repeats what it asked for at trial ${wanted.number}: it was started by another version`,
    };
    return null;
  }

  async #run(wanted: Wanted, { reserveMs = 0, onStep }: Options): Promise<TrialRecord | null> {
    if (!this.#mayStart(reserveMs)) return null;
    const timeLeft = Math.max(1, Math.floor(this.leftMs() - reserveMs));
    const { timeout } = this.#experiment.limits;
    let stoppedEarly = false;
    const result = await this.#executor.run(this.#request(wanted, Math.min(timeout, timeLeft)), {
      signal: this.#control.abort,
      ...(onStep && {
        onStep: (step) => {
          const decision = onStep(step);
          stoppedEarly ||= decision === 'stop';
          return decision;
        },
      }),
    });
    if (result.state === 'failed' && result.failure === 'timeout' && timeLeft < timeout)
      return this.#outOfTime(reserveMs);
    if (result.state !== 'completed' && (this.#control.abort.aborted || result.state === 'stopped')) {
      // A trial that was ended from outside says nothing of its configuration: it is run again later.
      if (this.#control.abort.aborted || !stoppedEarly) return this.#interrupt(result);
    }
    const record = { ...wanted, ...this.#evidence(result) };
    await insertTrial(this.#ctx, this.#cycle.request, record, this.elapsedMs());
    this.#recorded.set(wanted.number, record);
    return record;
  }

  #mayStart(reserveMs: number): boolean {
    if (this.#interruption) return false;
    const reason = this.#control.abort.aborted ? 'shutdown' : null;
    const stop = this.#control.stopReason() ?? reason;
    if (stop !== null) {
      this.#interruption =
        stop === 'cancelled'
          ? { state: 'failed', reason: 'cancelled', cancelled: true }
          : { state: stop === 'budget' ? 'timeout' : 'paused', reason: stop };
      return false;
    }
    if (this.leftMs() > reserveMs) return true;
    this.#outOfTime(reserveMs);
    return false;
  }

  #outOfTime(reserveMs: number): null {
    if (reserveMs === 0)
      this.#interruption ??= {
        state: 'timeout',
        reason: 'the time budget is used up before anything is settled',
      };
    return null;
  }

  #interrupt(result: TrialResult): null {
    const why = this.#control.abort.aborted ? (this.#control.stopReason() ?? 'shutdown') : null;
    const reason = why ?? (result.state === 'stopped' ? result.reason : 'stopped');
    this.#interruption ??= { state: 'paused', reason };
    return null;
  }

  #request(wanted: Wanted, timeout: number): TrialRequest {
    const { request } = this.#cycle;
    return {
      id: `${request.id}-t${wanted.number}`.toLowerCase().replaceAll(/[^a-z0-9._-]/g, '-'),
      experiment: request.experiment,
      domain: wanted.domain,
      domainArgs: this.#experiment.domains[wanted.domain]?.args ?? {},
      params: wanted.params,
      seed: wanted.seed,
      evaluator: this.#experiment.evaluator,
      limits: { ...this.#experiment.limits, timeout },
      required: requiredMetrics(this.#experiment),
    };
  }

  /** What of a result is kept. Only finite numbers are evidence, whatever the executor let pass. */
  #evidence(result: TrialResult): Omit<TrialRecord, keyof Wanted> {
    const finite = (metrics: Readonly<Record<string, number>>) =>
      Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));
    const metrics = finite(result.metrics);
    const missing = requiredMetrics(this.#experiment).find((name) => !Object.hasOwn(metrics, name));
    const broken = result.state === 'completed' && missing !== undefined;
    const reasons = {
      completed: broken ? `metric ${missing} is missing or not finite` : null,
      failed: result.state === 'failed' ? `${result.failure}: ${result.reason}` : null,
      stopped: 'early stop: worse than the median of the earlier ones',
    };
    return {
      state: broken ? 'failed' : result.state,
      reason: reasons[result.state],
      metrics,
      detail: {
        outputTail: result.outputTail,
        steps: result.steps.map(({ step, metrics: m }) => ({ step, metrics: finite(m) })),
      },
      startedAt: result.startedAt,
      durationMs: result.durationMs,
    };
  }
}
