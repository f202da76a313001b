import { isDeepStrictEqual } from 'node:util';
import { checkParams, defaultParams, mergeParams, type Params } from '../config/parameters.ts';
import type { Experiment, ParameterValue } from '../config/schema.ts';
import type { Learned } from './state.ts';

/** What was learned of an experiment. */
export interface Known {
  readonly name: string;
  readonly learned: Learned;
}

/** Another experiment is alike when it knows at least this share of the parameters by name, with values in bounds. */
const ALIKE = 0.5;
/** Points from elsewhere take some of the budget: at most so many. */
const POINTS = 3;

/** The part of a foreign configuration that this experiment can take; null when they are not alike. */
function translated(experiment: Experiment, foreign: Params): Params | null {
  const defaults = defaultParams(experiment);
  const shared: Record<string, ParameterValue> = {};
  for (const name of Object.keys(experiment.parameters)) {
    const value = foreign[name];
    if (value === undefined) continue;
    const alone = mergeParams(experiment, defaults, { [name]: value });
    if (checkParams(experiment, alone).length === 0) shared[name] = value;
  }
  if (Object.keys(shared).length < ALIKE * Object.keys(experiment.parameters).length) return null;
  const params = mergeParams(experiment, defaults, shared);
  const useless = isDeepStrictEqual(params, defaults) || checkParams(experiment, params).length > 0;
  return useless ? null : params;
}

/** What like experiments accepted, as points to try first, the newest of each before the older ones. Pure. */
export function transferred(
  experiment: Experiment,
  others: readonly Known[],
): { readonly points: readonly Params[]; readonly from: readonly string[] } {
  const found = others.flatMap(({ name, learned }) =>
    learned.accepted.toReversed().flatMap(({ params }, age) => {
      const point = translated(experiment, params);
      return point ? [{ name, age, point }] : [];
    }),
  );
  const distinct = found
    .toSorted((a, b) => a.age - b.age)
    .filter((f, i, all) => all.findIndex((other) => isDeepStrictEqual(other.point, f.point)) === i)
    .slice(0, POINTS);
  return { points: distinct.map((f) => f.point), from: [...new Set(distinct.map((f) => f.name))] };
}
