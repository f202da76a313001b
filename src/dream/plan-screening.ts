import { checkParams, type Params } from '../config/parameters.ts';
import type { Experiment } from '../config/schema.ts';
import type { ScreeningPlan, StoredRequest, Subject } from './cycle-store.ts';
import type { Evaluated } from './evaluated.ts';
import { percent } from './progress.ts';
import { promotable, sameParams } from './promotable.ts';
import type { Recommendation } from './sampler.ts';
import { mean } from './score.ts';

/**
 * Who is measured again beside the baseline: the promotions given, those that the search measured best first, then the
 * search's own finalists. What does not fit is rejected with what is known of it; one subject is always taken.
 * @param recommended the search's recommendations, best first; @param capacity subjects that fit into the time left
 */
export function planSubjects(
  experiment: Experiment,
  request: StoredRequest,
  evaluated: readonly Evaluated[],
  recommended: readonly Recommendation[],
  capacity: number,
): Pick<ScreeningPlan, 'subjects' | 'rejected'> {
  const room = Math.max(1, capacity);
  const { sound, rejected } = givenPromotions(experiment, request, evaluated);
  const taken = sound.slice(0, room);
  const left = sound.slice(room).flatMap(({ promotions, fitness }) =>
    promotions.map((id) => ({
      id,
      reason: `the time budget allows to measure ${room} again, and ${fitness === null ? 'the search did not come to it' : `others did better in the search (${percent(Math.expm1(fitness))})`}; submit it again`,
    })),
  );
  const finalists = pickFinalists(experiment, request.baseline.params, evaluated, recommended)
    .filter(({ params }) => !sound.some((subject) => sameParams(subject.params, params)))
    .slice(0, Math.min(experiment.search.screen.top, room - taken.length));
  return { subjects: [...taken, ...finalists], rejected: [...rejected, ...left] };
}

/** Promotions that may be tried, equal ones together, best in the search first. */
function givenPromotions(
  experiment: Experiment,
  request: StoredRequest,
  evaluated: readonly Evaluated[],
): { sound: Subject[]; rejected: { id: string; reason: string }[] } {
  const sound: (Subject & { promotions: string[] })[] = [];
  const rejected = [];
  for (const { id, params } of request.promotions) {
    const [problem] = checkParams(experiment, params);
    const twin = sound.find((subject) => sameParams(subject.params, params));
    if (problem) rejected.push({ id, reason: problem.message });
    else if (sameParams(params, request.baseline.params))
      rejected.push({ id, reason: 'it changes nothing: it equals the baseline in force' });
    else if (twin) twin.promotions.push(id);
    else sound.push({ params, promotions: [id], fitness: searchFitness(evaluated, params) });
  }
  const rank = ({ fitness }: Subject) => fitness ?? Number.NEGATIVE_INFINITY;
  return { sound: sound.toSorted((a, b) => rank(b) - rank(a)), rejected };
}

/** Mean log-gain that the search measured, null when it did not measure it to the end. */
function searchFitness(evaluated: readonly Evaluated[], params: Params): number | null {
  const scores = evaluated.flatMap((e) =>
    e.state === 'completed' && e.score && nearly(e.params, params) ? [e.score.fitness] : [],
  );
  return scores.length > 0 ? mean(scores) : null;
}

/** Equal but for the rounding of a number's way through the search's coordinates. */
function nearly(a: Params, b: Params): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => {
      const [x, y] = [a[name], b[name]];
      if (typeof x !== 'number' || typeof y !== 'number') return x === y;
      return Math.abs(x - y) <= 1e-9 * Math.max(Math.abs(x), Math.abs(y));
    })
  );
}

/** Recommendations as they may be promoted: better than the baseline by the search's own estimate, sound, each once. */
function pickFinalists(
  experiment: Experiment,
  baseline: Params,
  evaluated: readonly Evaluated[],
  recommended: readonly Recommendation[],
): Subject[] {
  const finalists: Subject[] = [];
  for (const { params: found, estimate } of recommended) {
    const fitness = mean(estimate);
    if (!(fitness > 0) || alwaysBroken(evaluated, found)) continue;
    const params = promotable(experiment, baseline, found);
    if (params === null || finalists.some((subject) => sameParams(subject.params, params))) continue;
    finalists.push({ params, promotions: [], fitness });
  }
  return finalists;
}

/** Whether every measurement of a configuration failed or broke a guardrail. */
function alwaysBroken(evaluated: readonly Evaluated[], params: Params): boolean {
  const same = evaluated.filter((e) => sameParams(e.params, params));
  return same.length > 0 && same.every(({ score }) => score === null || score.violation > 0);
}
