import type { Params } from '../config/parameters.ts';
import type { Context } from '../context.ts';
import type { Control } from '../control.ts';
import { KlorosError } from '../errors.ts';
import type { Executor } from '../trial/types.ts';
import type { Judged } from './compare.ts';
import { environmentChange, fingerprint } from './environment.ts';
import { endWithout, endWithVerdicts, readEnd } from './epoch-end.ts';
import {
  type EpochPlan,
  type EpochTrial,
  insertEpoch,
  loadEpoch,
  markResumed,
  type StoredEpoch,
  typicalDuration,
} from './epoch-store.ts';
import { Measurer } from './measurer.ts';
import {
  type Durations,
  fitCandidates,
  type PlannedBlock,
  type PlannedTrial,
  planSlice,
  smallestMs,
} from './plan.ts';
import { entrantsOf, measuredExperiments, Race } from './race.ts';
import type { EpochRequest, EpochResult } from './types.ts';

async function durationsOf(ctx: Context, experiments: readonly string[]): Promise<Durations> {
  const known = new Map<string, number | null>();
  for (const name of experiments) known.set(name, await typicalDuration(ctx.db, name));
  return (name) => known.get(name) ?? null;
}

/** What decides on an experiment's candidates, as it is configured now. */
function judgedOf(ctx: Context, name: string): Judged {
  const { objectives = [], guardrails = [], domains = {} } = ctx.config.experiments[name] ?? {};
  const weights = Object.entries(domains).map(([domain, { weight }]) => [domain, { weight }] as const);
  return { objectives, guardrails, domains: Object.fromEntries(weights) };
}

/** The plan of an epoch: as many candidates as its time holds, best first. */
async function makePlan(ctx: Context, request: EpochRequest): Promise<EpochPlan> {
  const { slices, replicas, warmup, calibration, alpha, min_gain: minGain, max_duration } = ctx.config.phase;
  const settings = { slices, replicas, warmup, calibration, seed: request.seed };
  const durationMs = Math.min(max_duration, Math.max(0, request.endsAt - ctx.clock.now()));
  const experiments = measuredExperiments(request);
  const entrants = (c: EpochRequest['candidates']) =>
    entrantsOf(ctx.config.experiments, c, request.checkOnly);
  const durations = await durationsOf(ctx, experiments);
  const candidates = fitCandidates(settings, request.candidates, entrants, durations, durationMs);
  return {
    request: { ...request, candidates },
    settings,
    alpha,
    minGain,
    durationMs,
    environment: fingerprint(ctx, experiments),
    judged: Object.fromEntries(experiments.map((name) => [name, judgedOf(ctx, name)])),
    postponed: request.candidates.slice(candidates.length).map(({ promotionId }) => promotionId),
  };
}

/** Why the time does not hold even the smallest plan, or null. */
async function tooShort(ctx: Context, epoch: StoredEpoch): Promise<KlorosError | null> {
  const { plan } = epoch;
  const { candidates, checkOnly } = plan.request;
  const durations = await durationsOf(ctx, measuredExperiments(plan.request));
  const entrants = entrantsOf(ctx.config.experiments, candidates, checkOnly);
  const needed = smallestMs(plan.settings, entrants, durations);
  const nobody = candidates.length === 0 && checkOnly.length === 0;
  if (!nobody && needed <= plan.durationMs) return null;
  const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;
  const least = nobody ? 'for one candidate' : `of ${seconds(needed)}`;
  return new KlorosError(
    'KLR_E_PHASE_TOO_SHORT',
    `${seconds(plan.durationMs)} are too short for the smallest plan ${least}`,
    { where: epoch.id },
  );
}

/** One run of an epoch: what is recorded already is taken from the record. */
class Run {
  readonly #ctx: Context;
  readonly #control: Control;
  readonly #plan: EpochPlan;
  readonly #measurer: Measurer;
  readonly #race: Race;
  readonly #id: string;
  #done = 0;

  constructor(ctx: Context, executor: Executor, control: Control, epoch: StoredEpoch) {
    this.#ctx = ctx;
    this.#control = control;
    this.#plan = epoch.plan;
    this.#id = epoch.id;
    this.#measurer = new Measurer(ctx, executor, control, epoch);
    this.#race = new Race(epoch.plan, ctx.config.experiments);
  }

  async go(): Promise<EpochResult> {
    for (let next = this.#next(); next !== null; next = this.#next()) {
      for (const block of planSlice(this.#plan.settings, next.entrants, next.slice)) await this.#block(block);
      if (!this.#measurer.interruption) this.#race.look();
    }
    return this.#conclude();
  }

  #next(): ReturnType<Race['next']> {
    this.#checkEnvironment();
    return this.#measurer.interruption ? null : this.#race.next();
  }

  /** Between two slices: what was measured before and after a change cannot be compared. */
  #checkEnvironment(): void {
    const now = fingerprint(this.#ctx, measuredExperiments(this.#plan.request));
    const change = environmentChange(this.#plan.environment, now);
    if (change !== null) this.#measurer.interrupt('voided', change);
  }

  async #block(block: PlannedBlock): Promise<void> {
    if (this.#measurer.interruption || this.#race.broken.has(block.experiment)) return;
    if (!this.#measurer.fits(block)) return this.#measurer.interrupt('time', 'the time is used up');
    const trials: EpochTrial[] = [];
    for (const planned of block.trials) {
      this.#progress(block, planned);
      const trial = await this.#measurer.measure(block, planned, this.#params(block, planned));
      // A block that is not complete compares nothing.
      if (trial === null) return;
      trials.push(trial);
      this.#done += 1;
    }
    this.#race.add(block, trials);
  }

  #params(block: PlannedBlock, planned: PlannedTrial): Params {
    const { baseline, candidates } = this.#plan.request;
    if (planned.role !== 'candidate') return baseline.params[block.experiment] ?? {};
    return candidates.find(({ promotionId }) => promotionId === planned.subject)?.params ?? {};
  }

  #progress(block: PlannedBlock, planned: PlannedTrial): void {
    const standings = this.#race.standings;
    const best = standings.toSorted((a, b) => b.gain - a.gain)[0];
    const gain = best ? `; best so far ${best.promotionId}: ${(best.gain * 100).toFixed(1)} %` : '';
    this.#control.progress({
      stage: 'measure',
      done: this.#done,
      total: this.#race.planned,
      leftMs: Math.max(0, this.#measurer.leftMs()),
      message: `${planned.subject} in ${block.domain}${gain}`,
    });
  }

  async #conclude(): Promise<EpochResult> {
    const { interruption } = this.#measurer;
    const elapsedMs = this.#measurer.elapsedMs();
    const end = (state: 'paused' | 'failed' | 'voided' | 'timeout', reason: string) =>
      endWithout(this.#ctx, this.#id, { state, reason }, elapsedMs);
    if (interruption && interruption.state !== 'time') return end(interruption.state, interruption.reason);
    const measured = this.#race.blocks.some((block) => block.baseline !== null);
    const why = [...this.#race.broken.values()].join('; ');
    if (!measured && why !== '') return end('failed', why);
    if (!measured)
      return end('timeout', `${interruption?.reason ?? 'nothing was measured'} before anything is known`);
    const early =
      interruption === null ? 'all was measured' : `${interruption.reason}, judged on what was measured`;
    const reason = why === '' ? early : `${early}; ${why}`;
    return endWithVerdicts(this.#ctx, this.#id, this.#plan, this.#race, { reason, elapsedMs });
  }
}

async function start(ctx: Context, executor: Executor, control: Control, id: string): Promise<EpochResult> {
  const epoch = await loadEpoch(ctx.db, id);
  const short = await tooShort(ctx, epoch);
  if (!short) return new Run(ctx, executor, control, epoch).go();
  const result = { state: 'failed', reason: `${short.code}: ${short.message}` } as const;
  return endWithout(ctx, id, result, epoch.elapsedMs);
}

/**
 * Runs an epoch: measures the baseline and the candidates interleaved, looks after each slice, ends before
 * `request.endsAt`, and gives each candidate a verdict. Call it under the phase lock.
 * @throws KLR_E_PHASE_USED when the date has an epoch already; KLR_E_FENCED when another process took the epoch over
 */
export async function runEpoch(
  ctx: Context,
  executor: Executor,
  control: Control,
  request: EpochRequest,
): Promise<EpochResult> {
  await insertEpoch(ctx, await makePlan(ctx, request));
  return start(ctx, executor, control, request.id);
}

/**
 * Goes on with an epoch that was paused, or whose process died, from its last finished trial, to the verdicts of one
 * that was not interrupted. One that failed starts anew with fresh measurements; one that ended gives its end again.
 * @throws KLR_E_NOT_FOUND, KLR_E_FENCED
 */
export async function resumeEpoch(
  ctx: Context,
  executor: Executor,
  control: Control,
  id: string,
): Promise<EpochResult> {
  const epoch = await loadEpoch(ctx.db, id);
  if (epoch.state === 'voided') return { state: 'voided', reason: 'it ended already' };
  if (epoch.state === 'done') return readEnd(ctx.db, id);
  await markResumed(ctx, epoch, withTimeLeft(ctx, epoch));
  return start(ctx, executor, control, id);
}

/** A forced epoch is bound to no window: what is left of its budget counts from now. */
function withTimeLeft(ctx: Context, { plan, elapsedMs }: StoredEpoch): EpochPlan {
  if (!plan.request.forced) return plan;
  const endsAt = ctx.clock.now() + Math.max(0, plan.durationMs - elapsedMs);
  return { ...plan, request: { ...plan.request, endsAt } };
}
