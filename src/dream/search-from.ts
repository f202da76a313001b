import type { Experiment } from '../config/schema.ts';
import type { Control } from '../control.ts';
import { BASELINE_REPEATS } from './baseline-stage.ts';
import { createSearch } from './create-search.ts';
import type { StoredCycle, StoredRequest } from './cycle-store.ts';
import type { Measurer } from './measurer.ts';
import type { Search, SearchSettings } from './sampler.ts';
import type { ByDomain } from './score.ts';
import { baselineObservation, runSearch, type SearchOutcome, startingPoints } from './search-stage.ts';
import type { Space } from './space.ts';

/** What the search of a cycle goes by. */
export interface SearchingRun {
  readonly experiment: Experiment;
  readonly space: Space;
  readonly cycle: StoredCycle;
  readonly control: Control;
  readonly measurer: Measurer;
}

/** A trial may take somewhat longer than the mean of those before. */
const MARGIN = 1.2;

export const domainCount = ({ experiment }: Pick<SearchingRun, 'experiment'>) =>
  Object.keys(experiment.domains).length;
export const firstSearchNumber = (run: Pick<SearchingRun, 'experiment'>) =>
  BASELINE_REPEATS * domainCount(run);

/** Configurations to try: without noise each one tells all it has the first time. */
export function budgetOf({ experiment, space, cycle }: SearchingRun): number {
  const { trials } = cycle.request;
  return experiment.search.noise ? trials : Math.min(trials, space.size);
}

/** How long one configuration takes in the screening, ms. */
export const subjectMs = (run: SearchingRun) =>
  domainCount(run) * run.experiment.search.screen.repeats * run.measurer.meanTrialMs();

export function settingsOf(experiment: Experiment, request: StoredRequest, budget: number): SearchSettings {
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

/** Searches from the measured baseline; what is recorded already is taken from the record. */
export async function searchFrom(
  run: SearchingRun,
  baseline: ByDomain,
): Promise<SearchOutcome & { readonly search: Search }> {
  const { experiment, measurer, cycle, control } = run;
  const { request } = cycle;
  const settings = {
    ...settingsOf(experiment, request, budgetOf(run)),
    history: baselineObservation(experiment, request, baseline),
  };
  const search = createSearch(run.space, settings, experiment.search.sampler);
  const wanted = 1 + experiment.search.screen.top + request.promotions.length;
  const outcome = await runSearch({
    experiment,
    request,
    measurer,
    control,
    baseline,
    search,
    budget: budgetOf(run),
    firstNumber: firstSearchNumber(run),
    reserveMs: () => Math.min(request.durationMs / 2, MARGIN * wanted * subjectMs(run)),
  });
  return { ...outcome, search };
}
