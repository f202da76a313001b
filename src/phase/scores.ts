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
  readonly owners: Int32Array;
}

function sideOf(values: readonly number[]): Side {
  const owners = values.map((_, i) => i).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  return {
    owners: Int32Array.from(owners),
    values: Float64Array.from([...owners.map((i) => values[i] ?? 0), Number.POSITIVE_INFINITY]),
  };
}

/** Adds, in each pair's part, the rank of the candidate and takes away that of the baseline; the candidates are moved down by `bound`. */
function addRanks(sums: Float64Array, partOf: Int32Array, base: Side, moved: Side, bound: number): void {
  const n = partOf.length;
  for (let b = 0, m = 0; b < n || m < n; ) {
    const least = Math.min(base.values[b] ?? 0, (moved.values[m] ?? 0) - bound);
    let toB = b;
    while (toB < n && (base.values[toB] ?? 0) <= least) toB++;
    let toM = m;
    while (toM < n && (moved.values[toM] ?? 0) - bound <= least) toM++;
    // Tied values share the mean of their ranks.
    const rank = (b + m + 1 + toB + toM) / 2;
    for (; b < toB; b++) addTo(sums, partOf[base.owners[b] ?? 0] ?? 0, -rank);
    for (; m < toM; m++) addTo(sums, partOf[moved.owners[m] ?? 0] ?? 0, rank);
  }
}

function addTo(sums: Float64Array, index: number, rank: number): void {
  sums[index] = (sums[index] ?? 0) + rank;
}

/** Which part each pair belongs to, from 0: those that were swapped together, or each alone while there are too few of them. */
function partsOf(places: readonly Place[] | undefined, n: number): Int32Array {
  const numbers = new Map([...new Set(places?.map(({ part }) => part))].map((part, i) => [part, i]));
  return Int32Array.from({ length: n }, (_, i) =>
    numbers.size < MIN_PARTS ? i : (numbers.get(places?.[i]?.part ?? 0) ?? 0),
  );
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
  const sums = new Float64Array(parts);
  const at = (bound: number): number => {
    sums.fill(0);
    addRanks(sums, partOf, base, moved, bound);
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < parts; i++) {
      const part = sums[i] ?? 0;
      sum += part;
      squares += part * part;
    }
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
