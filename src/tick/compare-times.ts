import type { CompareTimes } from '../baseline/types.ts';
import { fromShare, pairedEffect, toShare } from '../phase/effect.ts';
import { pAbove } from '../phase/evidence.ts';

/**
 * The test of PHASE, for a metric of the running target before and after an apply: the pairs are looked at again and
 * again, and the error over all looks together is at most `alpha`. The planned looks share the error of the t test
 * equally; further ones have the betting martingale alone.
 */
export function timeComparison(alpha: number): CompareTimes {
  return (pairs, { direction, maxRegression, look, looks }) => {
    const effects = pairs.map(({ before, after }) => pairedEffect(before, after, direction));
    const margin = fromShare(-maxRegression, direction);
    const weight = look < looks ? 1 / looks : 0;
    const turned = effects.map((effect) => -effect);
    // A maximised metric cannot fall by more than all of it: such a margin is never exceeded.
    const p = Number.isFinite(margin) ? pAbove(turned, -margin, { weight }) : 1;
    const mean = effects.reduce((sum, effect) => sum + effect, 0) / Math.max(1, effects.length);
    return { worse: p <= alpha, effect: toShare(mean, direction) };
  };
}
