import { tExceeded, tSurvival } from '../statistics/student.ts';
import { betting, bettingLimit } from './betting.ts';
import { type Look, MIN_PAIRS } from './looks.ts';
import { MIN_PARTS, type Place, scoreEstimate, scoreStatistic } from './scores.ts';

/**
 * Shares of the error: of the t test at the planned looks, and of the betting martingale. What is left is kept for what
 * takes the t test beyond its level: ranks of few pairs have few orders, and on a machine whose noise lasts longer than
 * a measurement the two blocks that mirror each other correlate, by up to 1/8.
 */
const T_SHARE = 0.75;
const BET_SHARE = 0.05;

/** What the differences say about their centre. In log units; positive is better. */
export interface Evidence {
  readonly n: number;
  readonly mean: number;
  readonly standardError: number;
  /** Each limit at the level asked for, one-sided; infinite where nothing can be said. */
  readonly low: number;
  readonly high: number;
}

function moments(differences: readonly number[]): { n: number; mean: number; standardError: number } {
  const n = differences.length;
  const mean = differences.reduce((sum, d) => sum + d, 0) / n;
  const squares = differences.reduce((sum, d) => sum + (d - mean) ** 2, 0);
  return { n, mean, standardError: n < 2 ? Number.POSITIVE_INFINITY : Math.sqrt(squares / (n - 1) / n) };
}

/** One-sided p of the t test that the centre lies above `bound`: of few pairs as they are, of more by their ranks. */
function tTest(differences: readonly number[], bound: number, places: readonly Place[] | undefined): number {
  if (differences.length < MIN_PARTS) {
    const { n, mean, standardError } = moments(differences);
    return mean > bound ? tSurvival((mean - bound) / standardError, n - 1) : 1;
  }
  const { parts, at } = scoreStatistic(differences, places);
  const t = at(bound);
  return t > 0 ? tSurvival(t, parts - 1) : 1;
}

/**
 * A p-value that holds at whatever look one stops, that the centre of the differences lies above `bound`. Two tests
 * share the error: a paired t test at the planned looks, each with a share of its own (Lan and DeMets 1983: spending),
 * from twelve pairs on of their ranks; and the betting martingale, which holds at every look whatever the noise.
 * @param places where each pair lies among the others, see `scoreStatistic`
 */
export function pAbove(
  differences: readonly number[],
  bound: number,
  { weight }: Look,
  places?: readonly Place[],
): number {
  if (differences.length < MIN_PAIRS) return 1;
  const t = weight > 0 ? tTest(differences, bound, places) / (T_SHARE * weight) : 1;
  return Math.min(1, t, 1 / (BET_SHARE * betting(differences, bound)));
}

const NOTHING = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

/** The centre and its limits at one-sided error `share`, by the t test. */
function byT(
  differences: readonly number[],
  share: number,
  places: readonly Place[] | undefined,
): Omit<Evidence, 'n'> {
  const wanted = (parts: number) => tExceeded(Math.max(share, Number.MIN_VALUE), parts - 1);
  if (differences.length >= MIN_PARTS) return scoreEstimate(differences, places, wanted);
  const { n, mean, standardError } = moments(differences);
  const reach = wanted(n) * standardError;
  return { mean, standardError, low: mean - reach, high: mean + reach };
}

/**
 * The centre of paired differences with limits that hold at whatever look one stops: the bounds that `pAbove` refutes.
 * @param level one-sided error of each limit, above 0 and below 0.5
 */
export function estimate(
  differences: readonly number[],
  level: number,
  { weight }: Look,
  places?: readonly Place[],
): Evidence {
  const n = differences.length;
  if (n === 0) return { n, mean: 0, standardError: Number.POSITIVE_INFINITY, ...NOTHING };
  if (n < MIN_PAIRS) return { ...moments(differences), ...NOTHING };
  const share = T_SHARE * weight * level;
  const t = byT(differences, share, places);
  const { low, high } = share > 0 ? t : NOTHING;
  const wanted = 1 / (BET_SHARE * level);
  const turned = differences.map((d) => -d);
  return {
    n,
    mean: t.mean,
    standardError: t.standardError,
    low: Math.min(t.mean, Math.max(low, bettingLimit(differences, wanted, low))),
    high: Math.max(t.mean, Math.min(high, -bettingLimit(turned, wanted, -high))),
  };
}

/** The smallest effect that `n` pairs of this spread show at `level` with a probability of about one half. */
export function detectable(n: number, standardDeviation: number, level: number, look: Look): number {
  if (n < MIN_PAIRS) return Number.POSITIVE_INFINITY;
  return (tExceeded(T_SHARE * look.weight * level, n - 1) * standardDeviation) / Math.sqrt(n);
}

/**
 * An estimate drawn towards no effect by as much as it owes to noise: the best of several always looks better than it
 * is (positive-part James and Stein 1961).
 */
export function shrink(mean: number, standardError: number): number {
  if (mean === 0 || !Number.isFinite(standardError)) return 0;
  return mean * Math.max(0, 1 - (standardError / mean) ** 2);
}
