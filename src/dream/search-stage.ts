import { checkParams, mergeParams, type Params } from '../config/parameters.ts';
import type { Experiment } from '../config/schema.ts';
import type { Control } from '../control.ts';
import { canonicalJson } from '../store/json.ts';
import { brokenEvaluator } from './broken-evaluator.ts';
import type { StoredRequest, TrialRecord } from './cycle-store.ts';
import { hopelessAfter, medianRule } from './early-stop.ts';
import type { Evaluated } from './evaluated.ts';
import type { Measurer } from './measurer.ts';
import { bestSoFar, describe } from './progress.ts';
import type { Search } from './sampler.ts';
import { type ByDomain, type Metrics, scoreAgainst } from './score.ts';
import { searchSeed } from './seeds.ts';

export interface SearchRun {
  readonly experiment: Experiment;
  readonly request: StoredRequest;
  readonly measurer: Measurer;
  readonly control: Control;
  readonly baseline: ByDomain;
  readonly search: Search;
  /** Configurations to try. */
  readonly budget: number;
  /** Number of the first trial of the search. */
  readonly firstNumber: number;
  /** Time kept for the screening, ms, from the duration of one trial. */
  readonly reserveMs: () => number;
}

export interface SearchOutcome {
  readonly evaluated: readonly Evaluated[];
  /** Why it ended, in words. */
  readonly end: string;
  readonly broken: string | null;
}

/**
 * Asks, measures and tells, up to `parallel` configurations at once, told in the order of their asking: suggestion n is
 * asked once all up to n - parallel are told. So the search is the same however long each trial takes, and a resumed
 * one repeats itself from the record. Look at the measurer's interruption before using the outcome.
 */
export async function runSearch(run: SearchRun): Promise<SearchOutcome> {
  const evaluated: Evaluated[] = [];
  // Settled as they are made: one that throws while an earlier one is waited for is not unhandled.
  const underWay: { id: number; end: Promise<[PromiseSettledResult<Evaluated | null>]> }[] = [];
  let asked = 0;
  let end = `${run.budget} configurations were tried`;
  let broken: string | null = null;
  let open = true;
  try {
    for (;;) {
      while (open && underWay.length < run.request.parallel && asked < run.budget) {
        const { id, params } = run.search.ask();
        if (!run.measurer.has(firstTrial(run, id))) announce(run, evaluated, params);
        underWay.push({ id, end: Promise.allSettled([evaluate(run, id, params, [...evaluated])]) });
        asked += 1;
      }
      const next = underWay.shift();
      if (!next) return { evaluated, end, broken };
      const [settled] = await next.end;
      if (settled.status === 'rejected') throw settled.reason;
      const result = settled.value;
      if (result === null) {
        open = false;
        end = 'the time for the search was used up';
        continue;
      }
      evaluated.push(result);
      run.search.tell(next.id, observation(result));
      broken ??= brokenEvaluator(evaluated, run.request.baseline.params, false);
      if (broken !== null) open = false;
    }
  } finally {
    // Whatever failed, no trial is left running behind.
    await Promise.all(underWay.map(({ end }) => end));
  }
}

function observation({ state, score }: Evaluated) {
  if (state === 'failed' || score === null) return { failed: true as const };
  return { values: score.gains, ...(score.violation > 0 && { violation: score.violation }) };
}

function announce(run: SearchRun, evaluated: readonly Evaluated[], params: Params): void {
  run.control.progress({
    stage: 'search',
    done: evaluated.length,
    total: run.budget,
    leftMs: Math.max(0, run.measurer.leftMs()),
    message: `trying ${describe(params, run.request.baseline.params)}; ${bestSoFar(evaluated, run.experiment)}`,
  });
}

/** Measures a configuration in each domain, one after the other, as long as it is worth it; null: no time left. */
async function evaluate(
  run: SearchRun,
  id: number,
  params: Params,
  told: readonly Evaluated[],
): Promise<Evaluated | null> {
  const { experiment, request, measurer } = run;
  const domains = Object.keys(experiment.domains);
  const finished = told.flatMap((e) => (e.state === 'completed' && e.score ? [e.score] : []));
  const measured = new Map<string, Metrics>();
  const trials: TrialRecord[] = [];
  for (const [i, domain] of domains.entries()) {
    const wanted = {
      number: firstTrial(run, id) + i,
      role: 'search' as const,
      subject: String(id),
      domain,
      params,
      seed: searchSeed(request.seed, 'search', id, domain),
    };
    const trial = await measurer.measure(wanted, {
      reserveMs: run.reserveMs(),
      ...(experiment.search.early_stop && { onStep: stopRule(experiment, told, domain) }),
    });
    if (trial === null) return null;
    trials.push(trial);
    if (trial.state !== 'completed') return { params, state: trial.state, score: null, trials };
    measured.set(domain, trial.metrics);
    const score = scoreAgainst(experiment, run.baseline, measured);
    if (!Number.isFinite(score.fitness + score.violation))
      return { params, state: 'failed', score: null, trials };
    if (i === domains.length - 1) return { params, state: 'completed', score, trials };
    const hoped = experiment.search.early_stop ? hopelessAfter(experiment, score, finished) : null;
    if (hoped) return { params, state: 'stopped', score: { ...score, gains: hoped }, trials };
  }
  return null;
}

function stopRule(experiment: Experiment, told: readonly Evaluated[], domain: string) {
  const curves = told.flatMap(({ trials }) =>
    trials.filter((t) => t.domain === domain && t.state === 'completed').map((t) => t.detail.steps),
  );
  const [objective] = experiment.objectives;
  return objective ? medianRule(curves, objective) : () => 'go-on' as const;
}

function firstTrial({ firstNumber, experiment }: SearchRun, id: number): number {
  return firstNumber + id * Object.keys(experiment.domains).length;
}

/** The baseline as a search is told of it beforehand; nothing when the configuration does not allow it any more. */
export function baselineObservation(experiment: Experiment, request: StoredRequest, baseline: ByDomain) {
  const { params } = request.baseline;
  if (checkParams(experiment, params).length > 0) return [];
  const { gains: values, violation } = scoreAgainst(experiment, baseline, baseline);
  return [{ params, observation: { values, ...(violation > 0 && { violation }) } }];
}

/** The points that a search starts from: given promotions, the configuration's own, earlier winners; sound ones, once. */
export function startingPoints(experiment: Experiment, request: StoredRequest): Params[] {
  const wanted = [
    ...request.promotions.map(({ params }) => params),
    ...experiment.search.points.map((point) => mergeParams(experiment, request.baseline.params, point)),
    ...request.points,
  ];
  const seen = new Map<string, Params>();
  for (const params of wanted) {
    if (checkParams(experiment, params).length > 0) continue;
    const key = canonicalJson(params);
    if (!seen.has(key)) seen.set(key, params);
  }
  return [...seen.values()];
}
