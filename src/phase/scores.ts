/** So many independent parts, and a t test of their scores keeps its level far out. */
export const MIN_PARTS = 12;
/** Rounds on each side that a round's level is compared with. */
const NEIGHBOURS = 4;
const BISECTIONS = 40;
/** The statistic moves in steps: the centre lies in the middle of the step at zero. */
const STEP = 1e-9;

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
};

/** Where a pair lies among the others. */
export interface Place {
  /** Whatever does not change when the two of the pair are swapped, in the units of the differences. */
  readonly level: number;
  /** Pairs of equal `part` were swapped together: blocks that mirror each other. */
  readonly part: number;
}

/** The levels without what drifts slowly: each less the median of its neighbourhood. */
function aligned(levels: readonly number[]): number[] {
  return levels.map(
    (level, i) => level - median(levels.slice(Math.max(0, i - NEIGHBOURS), i + NEIGHBOURS + 1)),
  );
}

/** One side of all pairs, in ascending order; a last value above all others ends it. */
interface Side {
  readonly values: Float64Array;
  /** Which pair each value belongs to. */
  readonly owners: readonly number[];
}

function sideOf(values: readonly number[]): Side {
  const owners = values.map((_, i) => i).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  return {
    owners,
    values: Float64Array.from([...owners.map((i) => values[i] ?? 0), Number.POSITIVE_INFINITY]),
  };
}

/** Score of the candidate less that of the baseline in each pair, the candidates moved down by `bound`. */
function scoreDifferences(base: Side, moved: Side, bound: number): Float64Array {
  const n = base.owners.length;
  const scores = new Float64Array(n);
  const count = (sides: Side, from: number, least: number, shift: number): number => {
    let to = from;
    while (to < n && (sides.values[to] ?? 0) - shift <= least) to++;
    return to;
  };
  for (let b = 0, m = 0; b < n || m < n; ) {
    const least = Math.min(base.values[b] ?? 0, (moved.values[m] ?? 0) - bound);
    const toB = count(base, b, least, 0);
    const toM = count(moved, m, least, bound);
    // Tied values share the mean of their ranks.
    const score = (b + m + 1 + toB + toM) / 2;
    for (; b < toB; b++) scores[base.owners[b] ?? 0] = (scores[base.owners[b] ?? 0] ?? 0) - score;
    for (; m < toM; m++) scores[moved.owners[m] ?? 0] = (scores[moved.owners[m] ?? 0] ?? 0) + score;
  }
  return scores;
}

/** Scores of pairs that were swapped together, summed; each alone while there are too few of those. */
function partsOf(places: readonly Place[] | undefined, n: number): readonly number[] {
  const alone = Array.from({ length: n }, (_, i) => i);
  if (!places) return alone;
  const numbers = new Map([...new Set(places.map(({ part }) => part))].map((part, i) => [part, i]));
  return numbers.size < MIN_PARTS ? alone : places.map(({ part }) => numbers.get(part) ?? 0);
}

/** A statistic that has Student's distribution with one degree less than there are parts. */
export interface Statistic {
  readonly parts: number;
  readonly at: (bound: number) => number;
}

/**
 * The t statistic of the paired differences of ranks as a function of the bound: all measurements of a metric, the
 * candidate's moved by the bound, are ranked together, and each pair counts by the difference of its two ranks (Conover
 * and Iman 1981: t tests on ranks; levels aligned as in Hodges and Lehmann 1962). To swap a pair turns the sign of its
 * difference and changes no other, so two equal configurations are as symmetric as in a paired t test. On normal noise it
 * is about as powerful as that one, on heavy tails as Mann and Whitney's test, which the pairs alone would not be: a
 * spike of the baseline spoils only its own rank. Blocks that mirror each other are swapped together by the plan: where
 * there are enough of them their sum is one part, so that no correlation between the two can pass for a gain.
 * @param places none: each pair stands alone, which ranks the sizes of the differences (Wilcoxon 1945)
 */
export function scoreStatistic(
  differences: readonly number[],
  places: readonly Place[] | undefined,
): Statistic {
  const centre = places ? aligned(places.map(({ level }) => level)) : differences.map(() => 0);
  const base = sideOf(differences.map((d, i) => (centre[i] ?? 0) - d / 2));
  const moved = sideOf(differences.map((d, i) => (centre[i] ?? 0) + d / 2));
  const partOf = partsOf(places, differences.length);
  const parts = new Set(partOf).size;
  const at = (bound: number): number => {
    const sums = new Float64Array(parts);
    let sum = 0;
    for (const [i, score] of scoreDifferences(base, moved, bound).entries()) {
      sums[partOf[i] ?? 0] = (sums[partOf[i] ?? 0] ?? 0) + score;
      sum += score;
    }
    const squares = sums.reduce((total, s) => total + s * s, 0);
    if (sum === 0) return 0;
    // Of equal parts this is the usual t, and it stays one when they are of two sizes (Efron 1969).
    return sum * Math.sqrt((parts - 1) / Math.max(0, parts * squares - sum * sum));
  };
  return { parts, at };
}

/** The largest bound at which the statistic is at least `wanted`, by bisection; infinite where it is so everywhere or nowhere. */
function boundAt(
  statistic: (bound: number) => number,
  wanted: number,
  lowest: number,
  highest: number,
): number {
  let [low, high] = [lowest, highest];
  if (statistic(low) < wanted) return Number.NEGATIVE_INFINITY;
  if (statistic(high) >= wanted) return Number.POSITIVE_INFINITY;
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2;
    if (statistic(middle) >= wanted) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * The centre of the differences is where the statistic is zero (Hodges and Lehmann 1963: estimates from rank tests), its
 * standard error half the way from where it is 1 to where it is -1.
 * @param wanted the statistic at each limit, by the number of parts
 */
export function scoreEstimate(
  differences: readonly number[],
  places: readonly Place[] | undefined,
  wanted: (parts: number) => number,
): { readonly mean: number; readonly standardError: number; readonly low: number; readonly high: number } {
  const statistic = scoreStatistic(differences, places);
  const [least, most] = [Math.min(...differences), Math.max(...differences)];
  const levels = places?.map(({ level }) => level) ?? [0];
  const room = Math.max(most - least, Math.max(...levels) - Math.min(...levels), 1e-12);
  const at = (t: number) => boundAt(statistic.at, t, least - room, most + room);
  const t = wanted(statistic.parts);
  return {
    mean: (at(STEP) + at(-STEP)) / 2,
    standardError: (at(-1) - at(1)) / 2,
    low: at(t),
    high: at(-t),
  };
}
