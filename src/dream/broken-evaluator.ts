import type { Params } from '../config/parameters.ts';
import { canonicalJson } from '../store/json.ts';
import type { Evaluated } from './evaluated.ts';

/** Configurations that tell a broken evaluator: at the end of a search, and to end it before. */
const AT_THE_END = 3;
const EARLY = { failed: 10, equal: 20 };

/**
 * Why the evaluator is broken, in words, or null when it is not known to be: not one configuration could be measured,
 * or all that could are exactly as good as the baseline, which no search can learn from.
 * @param ended whether the search is over, so that few configurations are enough
 */
export function brokenEvaluator(
  evaluated: readonly Evaluated[],
  baseline: Params,
  ended: boolean,
): string | null {
  const failures = evaluated.filter(({ state }) => state === 'failed');
  if (failures.length === evaluated.length && failures.length >= (ended ? AT_THE_END : EARLY.failed)) {
    const last = failures.at(-1)?.trials.at(-1)?.reason ?? 'an impossible score';
    return `a broken evaluator, not a search: each of ${failures.length} configurations failed, the last one with: ${last}`;
  }
  const scored = evaluated.filter(({ state, score }) => state === 'completed' && score !== null);
  const equal = scored.every(({ score }) => score?.gains.every((gain) => gain === 0));
  if (!equal) return null;
  const known = new Set([canonicalJson(baseline), ...scored.map(({ params }) => canonicalJson(params))]);
  if (known.size < (ended ? AT_THE_END : EARLY.equal)) return null;
  return `a broken evaluator, not a search: ${known.size} different configurations, the baseline included, all have the same score`;
}
