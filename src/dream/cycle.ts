/**
 * A D-REAM cycle: one bounded search in one experiment. The baseline is measured, the search asks and is told, and the
 * best of it are measured again beside the baseline, with every promotion that was given. All that was measured is in
 * the trials table before it counts, so that a cycle that was killed goes on from its last finished trial.
 */
import type { Experiment } from '../config/schema.ts';
import type { Context } from '../context.ts';
import type { Control } from '../control.ts';
import { KlorosError } from '../errors.ts';
import type { Executor } from '../trial/types.ts';
import { BASELINE_REPEATS, measureBaseline } from './baseline-stage.ts';
import { brokenEvaluator } from './broken-evaluator.ts';
import { createSearch } from './create-search.ts';
import {
  type AtEnd,
  endRun,
  experimentHash,
  insertCycle,
  loadCycle,
  markResumed,
  type ScreeningPlan,
  type StoredCycle,
  type StoredRequest,
  saveScreening,
} from './cycle-store.ts';
import { Measurer } from './measurer.ts';
import { planSubjects } from './plan-screening.ts';
import { searchable } from './promotable.ts';
import { concludeCycle } from './result.ts';
import type { SearchSettings } from './sampler.ts';
import type { ByDomain } from './score.ts';
import { runScreening } from './screen-stage.ts';
import { baselineObservation, runSearch, startingPoints } from './search-stage.ts';
import { compileSpace, type Space } from './space.ts';
import type { CycleRequest, CycleResult } from './types.ts';

type CycleContext = Pick<Context, 'db' | 'clock' | 'config' | 'configHash' | 'log'>;

interface Run {
  readonly ctx: CycleContext;
  readonly experiment: Experiment;
  readonly space: Space;
  readonly cycle: StoredCycle;
  readonly control: Control;
  readonly measurer: Measurer;
}

const nothing: AtEnd = async () => {};

/**
 * Runs a cycle from its start. Its row, its trials and its result are in the database; promotions are the caller's.
 * @param atEnd called in the transaction that ends the run: what the caller records happens with it or not at all
 * @throws KLR_E_NOT_FOUND for an unknown experiment, KLR_E_SPACE_EMPTY, KLR_E_SEARCH_INVALID (nothing is written then),
 * KLR_E_FENCED
 */
export async function runCycle(
  ctx: CycleContext,
  executor: Executor,
  control: Control,
  request: CycleRequest,
  atEnd: AtEnd = nothing,
): Promise<CycleResult> {
  const experiment = ctx.config.experiments[request.experiment];
  if (!experiment)
    throw new KlorosError('KLR_E_NOT_FOUND', `there is no experiment ${request.experiment}`, {
      where: request.experiment,
    });
  const space = compileSpace(searchable(experiment, request.baseline.params));
  const stored = { ...request, parallel: executor.slots, experimentHash: experimentHash(experiment) };
  // A search that cannot be started is found out before anything is written.
  const trial = createSearch(
    space,
    settingsOf(experiment, stored, request.trials),
    experiment.search.sampler,
  );
  await insertCycle(ctx, stored, trial.state().sampler);
  const cycle = await loadCycle(ctx.db, request.id);
  return drive({ ctx, control, cycle, experiment, space }, executor, atEnd);
}

/**
 * Goes on with a cycle that was paused or whose process died, to the result that it would have had. The result of one
 * that ended is given again, without `atEnd`, which belonged to its end.
 * @throws KLR_E_NOT_FOUND, KLR_E_FENCED
 */
export async function resumeCycle(
  ctx: CycleContext,
  executor: Executor,
  control: Control,
  id: string,
  atEnd: AtEnd = nothing,
): Promise<CycleResult> {
  const cycle = await loadCycle(ctx.db, id);
  if (cycle.result) return cycle.result;
  await markResumed(ctx, cycle);
  const { request } = cycle;
  const experiment = ctx.config.experiments[request.experiment];
  if (!experiment || experimentHash(experiment) !== request.experimentHash) {
    const reason = `the configuration of ${request.experiment} changed since the cycle was started`;
    const result = { state: 'failed' as const, reason };
    await endRun(ctx, request, result, cycle.elapsedMs, atEnd);
    return result;
  }
  const space = compileSpace(searchable(experiment, request.baseline.params));
  return drive({ ctx, control, cycle, experiment, space }, executor, atEnd);
}

async function drive(start: Omit<Run, 'measurer'>, executor: Executor, atEnd: AtEnd): Promise<CycleResult> {
  const { ctx, control, cycle, experiment } = start;
  const measurer = new Measurer(ctx, executor, control, cycle, experiment);
  const result = await stages({ ...start, measurer });
  const cancelled = result.state === 'failed' && measurer.interruption?.cancelled === true;
  await endRun(ctx, cycle.request, result, measurer.elapsedMs(), atEnd, cancelled);
  ctx.log.event('dream.cycle', {
    outcome: result.state,
    reason: result.reason,
    duration_ms: Math.round(measurer.elapsedMs()),
    run_tag: cycle.id,
    experiment: cycle.request.experiment,
  });
  return result;
}

async function stages(run: Run): Promise<CycleResult> {
  const baseline = await measureBaseline(run);
  const stopped = interrupted(run);
  if (stopped) return stopped;
  if ('failed' in baseline) return { state: 'failed', reason: baseline.failed };
  const plan = run.cycle.screening ?? (await searchStage(run, baseline.metrics));
  if ('state' in plan) return plan;
  const screening = {
    ...run,
    request: run.cycle.request,
    minGain: run.ctx.config.phase.min_gain,
    firstNumber: firstSearchNumber(run) + budgetOf(run) * domainCount(run),
  };
  const outcome = await runScreening(screening, plan);
  if (outcome === null)
    return interrupted(run) ?? { state: 'failed', reason: 'the screening was not finished' };
  if ('failed' in outcome) return { state: 'failed', reason: outcome.failed };
  return concludeCycle(run.experiment, run.cycle.request, baseline.metrics, plan, outcome.judgements);
}

function interrupted({ measurer }: Run): CycleResult | null {
  const { interruption } = measurer;
  return interruption && { state: interruption.state, reason: interruption.reason };
}

const domainCount = ({ experiment }: Run) => Object.keys(experiment.domains).length;
const firstSearchNumber = (run: Run) => BASELINE_REPEATS * domainCount(run);

/** Configurations to try: without noise each one tells all it has the first time. */
function budgetOf({ experiment, space, cycle }: Run): number {
  const { trials } = cycle.request;
  return experiment.search.noise ? trials : Math.min(trials, space.size);
}

async function searchStage(run: Run, baseline: ByDomain): Promise<ScreeningPlan | CycleResult> {
  const { experiment, measurer, cycle, control } = run;
  const { request } = cycle;
  const settings = {
    ...settingsOf(experiment, request, budgetOf(run)),
    history: baselineObservation(experiment, request, baseline),
  };
  const search = createSearch(run.space, settings, experiment.search.sampler);
  const perSubjectMs = () => domainCount(run) * experiment.search.screen.repeats * measurer.meanTrialMs();
  const wanted = 1 + experiment.search.screen.top + request.promotions.length;
  const { evaluated, end, broken } = await runSearch({
    experiment,
    request,
    measurer,
    control,
    baseline,
    search,
    budget: budgetOf(run),
    firstNumber: firstSearchNumber(run),
    reserveMs: () => Math.min(request.durationMs / 2, MARGIN * wanted * perSubjectMs()),
  });
  const stopped = interrupted(run);
  if (stopped) return stopped;
  const reason = broken ?? brokenEvaluator(evaluated, request.baseline.params, true);
  if (reason !== null) return { state: 'failed', reason };
  const capacity = Math.floor(measurer.leftMs() / Math.max(1, perSubjectMs())) - 1;
  const recommended = search.recommend(RECOMMENDED * experiment.search.screen.top);
  const plan = {
    ...planSubjects(experiment, request, evaluated, recommended, capacity),
    evaluated: evaluated.length,
    failed: evaluated.filter(({ state }) => state === 'failed').length,
    stopped: evaluated.filter(({ state }) => state === 'stopped').length,
    diversity: search.state().diversity,
    searchEnd: end,
  };
  await saveScreening(run.ctx, cycle.id, plan);
  return plan;
}

/** A trial may take somewhat longer than the mean of those before. */
const MARGIN = 1.2;
/** Recommendations asked for beside each finalist: some may not be promoted, or come to the same. */
const RECOMMENDED = 3;

function settingsOf(experiment: Experiment, request: StoredRequest, budget: number): SearchSettings {
  return {
    directions: experiment.objectives.map(() => 'maximize'),
    budget,
    seed: request.seed,
    noise: experiment.search.noise,
    parallel: request.parallel,
    points: startingPoints(experiment, request),
    focus: request.focus,
  };
}
