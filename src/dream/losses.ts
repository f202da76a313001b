import type { Evaluation } from './archive.ts';
import type { Prng } from './prng.ts';

/**
 * One number per evaluation, smaller is better. What broke a constraint metric is worse than all that kept it, and
 * worse the more it broke; what failed is as bad as the worst. Several objectives are made one by an augmented
 * Tchebycheff sum whose weights are drawn anew for each suggestion (ParEGO: Knowles, 2006).
 */
export function losses(evaluations: readonly Evaluation[], weights: readonly number[]): Float64Array {
  const scalar = evaluations.map((e) => e.values);
  const kept = evaluations.filter((e) => e.values !== null && e.violation === 0);
  const ranges = weights.map((_, k) => rangeOf(kept.length > 0 ? kept : evaluations, k));
  const single = scalar.map((values) => (values === null ? null : combined(values, weights, ranges)));
  const measured = single.filter((loss, i) => loss !== null && evaluations[i]?.violation === 0);
  const worst = Math.max(...(measured as number[]));
  const spread = worst - Math.min(...(measured as number[])) || 1;
  const ceiling = Number.isFinite(worst) ? worst : 0;
  const most = Math.max(0, ...evaluations.map((e) => e.violation)) || 1;
  return Float64Array.from(evaluations, (e, i) => {
    const loss = single[i] ?? null;
    if (loss === null) return ceiling;
    if (e.violation === 0) return loss;
    const share = Math.min(1, e.violation / most);
    return ceiling + 0.1 * (Number.isFinite(spread) ? spread : 1) * share;
  });
}

/** Weights that sum to one, uniform over the simplex; a single objective has the weight 1. */
export function drawWeights(objectives: number, random: Prng): number[] {
  const parts = Array.from({ length: objectives }, () => -Math.log(1 - random.next()));
  const sum = parts.reduce((total, part) => total + part, 0) || 1;
  return objectives === 1 ? [1] : parts.map((part) => part / sum);
}

interface Range {
  readonly low: number;
  readonly width: number;
}

function rangeOf(evaluations: readonly Evaluation[], k: number): Range {
  const values = evaluations.flatMap((e) => (e.values === null ? [] : [e.values[k] ?? 0]));
  const low = Math.min(...values);
  return { low, width: Math.max(...values) - low || 1 };
}

function combined(values: readonly number[], weights: readonly number[], ranges: readonly Range[]): number {
  if (weights.length === 1) return values[0] ?? 0;
  const terms = values.map((value, k) => {
    const { low = 0, width = 1 } = ranges[k] ?? {};
    return ((weights[k] ?? 0) * (value - low)) / width;
  });
  return Math.max(...terms) + 0.05 * terms.reduce((sum, term) => sum + term, 0);
}
