import type { Guardrail } from '../config/schema.ts';

export type Direction = 'minimize' | 'maximize';

/** Where the logarithm bends into a line through zero, as a share of the larger of the two values. */
const BEND = 1e-3;

/**
 * How much better `value` is than `base`, in log units: the log-ratio for two values of like size and sign, and finite
 * through zero and below (inverse hyperbolic sine; Burbidge, Magee and Robb 1988). Swapping the two turns the sign and
 * nothing else, which is what makes the difference of two equal configurations symmetric about zero.
 */
export function pairedEffect(base: number, value: number, direction: Direction): number {
  const scale = BEND * Math.max(Math.abs(base), Math.abs(value));
  if (scale === 0) return 0;
  const effect = Math.asinh(value / scale) - Math.asinh(base / scale);
  return direction === 'maximize' ? effect : -effect;
}

/** Far below any metric's unit: above it the inverse hyperbolic sine is the logarithm. */
const TINY = 1e-12;

/** Where two values lie together, in log units, higher is better. Swapping the two changes nothing. */
export function pairedLevel(base: number, value: number, direction: Direction): number {
  const level = (Math.asinh(base / TINY) + Math.asinh(value / TINY)) / 2;
  return direction === 'maximize' ? level : -level;
}

/** Log units as a share of the baseline: 0.1 is 10 % more of a maximised metric, 10 % less of a minimised one. */
export function toShare(effect: number, direction: Direction): number {
  return direction === 'maximize' ? Math.expm1(effect) : -Math.expm1(-effect);
}

/** A share of the baseline in log units; a minimised metric cannot fall by more than all of it. */
export function fromShare(share: number, direction: Direction): number {
  if (direction === 'maximize') return share <= -1 ? Number.NEGATIVE_INFINITY : Math.log1p(share);
  return share >= 1 ? Number.POSITIVE_INFINITY : -Math.log1p(-share);
}

/** The effect that is still accepted of a guardrail against the baseline, in log units, not above 0. */
export function regressionBound({ max_regression, direction }: Guardrail): number {
  return fromShare(-(max_regression ?? 0), direction);
}
