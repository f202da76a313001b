import { tExceeded, tSurvival } from '../statistics/student.ts';

/** Paired differences carry no verdict with fewer than this: five equal values of a coarse metric can be chance. */
export const MIN_PAIRS = 5;

/** Share of the error that the t test at the planned looks may spend; the rest is the betting martingale's. */
const T_SHARE = 0.75;
const BET_SHARE = 1 - T_SHARE;
/** Effects, in typical differences, that the bets are placed on, with equal stakes (Robbins 1970: mixtures). */
const BETS = [0.25, 0.5, 1, 2, 4];
const BISECTIONS = 30;

/** When the differences are looked at. */
export interface Look {
  /** Of all looks at these differences together, the share of the error that this one may spend: sums to at most 1. */
  readonly weight: number;
}

/** What the differences say about their centre. In log units; positive is better. */
export interface Evidence {
  readonly n: number;
  readonly mean: number;
  readonly standardError: number;
  /** Each limit at the level asked for, one-sided; infinite where nothing can be said. */
  readonly low: number;
  readonly high: number;
}

/** Looks after this many slices: those that are planned, and as many again for who is still open. */
export function mostLooks(planned: number): number {
  return 2 * planned;
}

/**
 * The share of the error that the look after slice `index` (from 0) may spend: half at the planned last one, a quarter at
 * the last possible one, the rest in equal parts. A look that has too few pairs for a verdict spends nothing.
 */
export function lookWeight(index: number, planned: number, replicas: number): number {
  const last = mostLooks(planned) - 1;
  const first = Math.min(last, Math.ceil(MIN_PAIRS / replicas) - 1);
  if (index < first || index > last) return 0;
  const main = planned - 1 >= first && planned - 1 < last ? planned - 1 : null;
  const others = last - first - (main === null ? 0 : 1);
  if (index === main) return others > 0 ? 0.5 : 0.75;
  if (index === last) return 1 - (main === null ? 0 : others > 0 ? 0.5 : 0.75) - (others > 0 ? 0.25 : 0);
  return 0.25 / others;
}

function moments(differences: readonly number[]): { n: number; mean: number; standardError: number } {
  const n = differences.length;
  const mean = differences.reduce((sum, d) => sum + d, 0) / n;
  const squares = differences.reduce((sum, d) => sum + (d - mean) ** 2, 0);
  return { n, mean, standardError: n < 2 ? Number.POSITIVE_INFINITY : Math.sqrt(squares / (n - 1) / n) };
}

/** The middle of what has been seen, kept sorted. */
function insertSorted(sorted: number[], value: number): number {
  let at = sorted.length;
  while (at > 0 && (sorted[at - 1] ?? 0) > value) at--;
  sorted.splice(at, 0, value);
  return sorted[Math.floor(sorted.length / 2)] ?? value;
}

/**
 * Evidence that the differences lie above `bound`, as the capital of a bettor who starts with 1 and never wins on
 * average while they are symmetric about it: at each difference he stakes a share on its sign, which may depend on its
 * size and on all that came before. Whatever he has when he stops is at least c with probability at most 1/c, so looking
 * after each pair is safe (Ville 1939; Ramdas, Ruf, Larsson and Koolen 2020, 5.3: symmetric distributions). Under
 * randomised order two equal configurations are symmetric by design, however heavy their tails or strong their drift.
 */
export function betting(differences: readonly number[], bound: number): number {
  const capital = BETS.map(() => 1);
  const sizes: number[] = [];
  for (const difference of differences) {
    const d = difference - bound;
    const typical = insertSorted(sizes, Math.abs(d));
    if (typical === 0) continue;
    for (const [i, bet] of BETS.entries())
      capital[i] = (capital[i] ?? 1) * (1 + Math.tanh((bet * d) / typical));
  }
  return capital.reduce((sum, c) => sum + c, 0) / BETS.length;
}

/** One-sided p of the t test of `mean > bound`. */
function tTest({ n, mean, standardError }: ReturnType<typeof moments>, bound: number): number {
  if (n < MIN_PAIRS || mean <= bound) return 1;
  return tSurvival((mean - bound) / standardError, n - 1);
}

/**
 * A p-value that holds at whatever look one stops, that the centre of the differences lies above `bound`. Two tests
 * share the error: a t test at the planned looks, each with a share of its own (Lan and DeMets 1983: spending), which is
 * what few pairs need; and the betting martingale, which needs no normality and holds at every look.
 */
export function pAbove(differences: readonly number[], bound: number, { weight }: Look): number {
  if (differences.length < MIN_PAIRS) return 1;
  const t = weight > 0 ? tTest(moments(differences), bound) / (T_SHARE * weight) : 1;
  return Math.min(1, t, 1 / (BET_SHARE * betting(differences, bound)));
}

/** The largest bound below the mean that the bets exceed at `level`, by bisection. */
function bettingLimit(differences: readonly number[], level: number): number {
  const wanted = 1 / (BET_SHARE * level);
  let low = Math.min(...differences);
  // Below every difference all bets are won; when even that is not enough there is no limit.
  const spread = Math.max(...differences) - low;
  const beyond = low - Math.max(spread, 1e-12);
  if (betting(differences, beyond) < wanted) return Number.NEGATIVE_INFINITY;
  let high = differences.reduce((sum, d) => sum + d, 0) / differences.length;
  low = beyond;
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2;
    if (betting(differences, middle) >= wanted) low = middle;
    else high = middle;
  }
  return low;
}

function lowerLimit(differences: readonly number[], level: number, { weight }: Look): number {
  if (differences.length < MIN_PAIRS) return Number.NEGATIVE_INFINITY;
  const { n, mean, standardError } = moments(differences);
  const t =
    weight > 0 ? mean - tExceeded(T_SHARE * weight * level, n - 1) * standardError : Number.NEGATIVE_INFINITY;
  return Math.max(t, bettingLimit(differences, level));
}

/**
 * The centre of paired differences with limits that hold at whatever look one stops: the bounds that `pAbove` refutes.
 * @param level one-sided error of each limit, above 0 and below 0.5
 */
export function estimate(differences: readonly number[], level: number, look: Look): Evidence {
  if (differences.length === 0)
    return {
      n: 0,
      mean: 0,
      standardError: Number.POSITIVE_INFINITY,
      low: Number.NEGATIVE_INFINITY,
      high: Number.POSITIVE_INFINITY,
    };
  const turned = differences.map((d) => -d);
  return {
    ...moments(differences),
    low: lowerLimit(differences, level, look),
    high: -lowerLimit(turned, level, look),
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
