/**
 * A D-REAM cycle: one bounded search in one experiment. The baseline is measured, the search asks and is told, and the
 * best of it are measured again beside the baseline, with every promotion that was given. All that was measured is in
 * the trials table before it counts, so that a cycle that was killed goes on from its last finished trial.
 */
import type { Context } from '../context.ts';
import type { Control } from '../control.ts';
import { KlorosError } from '../errors.ts';
import type { Executor } from '../trial/types.ts';
import { measureBaseline } from './baseline-stage.ts';
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
  saveScreening,
} from './cycle-store.ts';
import { Measurer } from './measurer.ts';
import { planSubjects } from './plan-screening.ts';
import { searchable } from './promotable.ts';
import { concludeCycle } from './result.ts';
import type { ByDomain } from './score.ts';
import { runScreening } from './screen-stage.ts';
import {
  budgetOf,
  domainCount,
  firstSearchNumber,
  type SearchingRun,
  searchFrom,
  settingsOf,
  subjectMs,
} from './search-from.ts';
import { compileSpace } from './space.ts';
import type { CycleRequest, CycleResult } from './types.ts';

type CycleContext = Pick<Context, 'db' | 'clock' | 'config' | 'configHash' | 'log'>;

interface Run extends SearchingRun {
  readonly ctx: CycleContext;
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

async function searchStage(run: Run, baseline: ByDomain): Promise<ScreeningPlan | CycleResult> {
  const { experiment, measurer, cycle } = run;
  const { request } = cycle;
  const { evaluated, end, broken, search } = await searchFrom(run, baseline);
  const stopped = interrupted(run);
  if (stopped) return stopped;
  const reason = broken ?? brokenEvaluator(evaluated, request.baseline.params, true);
  if (reason !== null) return { state: 'failed', reason };
  const capacity = Math.floor(measurer.leftMs() / Math.max(1, subjectMs(run))) - 1;
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

/** Recommendations asked for beside each finalist: some may not be promoted, or come to the same. */
const RECOMMENDED = 3;
