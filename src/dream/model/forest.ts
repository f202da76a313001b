/**
 * A random forest of regression trees (Breiman, 2001) over the unit cube, kept as the boxes of its leaves, which is all
 * that a decomposition of variance needs.
 */
import type { Dimension } from '../dimension.ts';
import type { Prng } from '../prng.ts';
import type { Point } from '../unit-space.ts';

/** What a leaf covers of one dimension: an interval, or of a choice some levels (1 where it covers the level). */
export interface Side {
  readonly low: number;
  readonly high: number;
  readonly levels: Uint8Array | null;
}

/** A box with its prediction. The leaves of a tree tile the unit cube. */
export interface Leaf {
  readonly value: number;
  readonly sides: readonly Side[];
}

/** Rows of a tree: more make it dearer and hardly better. */
const MOST_ROWS = 300;
/** Share of the dimensions that a split may choose among (as in Hutter, Hoos & Leyton-Brown, 2014). */
const CHOSEN_AMONG = 5 / 6;

export interface Tree {
  readonly leaves: readonly Leaf[];
  /** The points that it was grown on, by index; the others can judge it. */
  readonly drawn: ReadonlySet<number>;
}

/** Grows a tree on a bootstrap sample. Where a parameter is inactive it may have any value, so it is drawn. */
export function growTree(
  dimensions: readonly Dimension[],
  points: readonly Point[],
  values: readonly number[],
  random: Prng,
): Tree {
  const drawn = Array.from({ length: Math.min(points.length, MOST_ROWS) }, () => random.int(points.length));
  const units = drawn.map((index) => {
    const point = points[index] as Point;
    return point.unit.map((u, d) => (point.active[d] === 1 ? u : random.next()));
  });
  const y = Float64Array.from(drawn, (index) => values[index] ?? 0);
  const growth = new Growth(dimensions, units, y, random);
  const sides = dimensions.map(({ kind, levels }) => ({
    low: 0,
    high: 1,
    levels: kind === 'choice' ? new Uint8Array(levels).fill(1) : null,
  }));
  growth.grow(Array.from(units.keys()), sides);
  return { leaves: growth.leaves, drawn: new Set(drawn) };
}

/** Which of a choice's levels a coordinate stands for. */
const levelAt = (levels: number, u: number) => Math.min(levels - 1, Math.floor(u * levels));

/** Whether a side reaches over a coordinate. */
export function covers({ low, high, levels }: Side, u: number): boolean {
  if (levels === null) return u >= low && (u < high || high === 1);
  return levels[levelAt(levels.length, u)] === 1;
}

/** What a tree predicts at a point. */
export function predicted(leaves: readonly Leaf[], unit: Float64Array): number {
  const leaf = leaves.find(({ sides }) => sides.every((side, d) => covers(side, unit[d] ?? 0)));
  return leaf?.value ?? Number.NaN;
}

interface Split {
  readonly d: number;
  /** How much less the squares are that remain. */
  readonly gain: number;
  readonly left: Side;
  readonly right: Side;
}

class Growth {
  readonly leaves: Leaf[] = [];
  readonly #dimensions: readonly Dimension[];
  readonly #units: readonly Float64Array[];
  readonly #y: Float64Array;
  readonly #random: Prng;

  constructor(
    dimensions: readonly Dimension[],
    units: readonly Float64Array[],
    y: Float64Array,
    random: Prng,
  ) {
    this.#dimensions = dimensions;
    this.#units = units;
    this.#y = y;
    this.#random = random;
  }

  grow(rows: readonly number[], sides: readonly Side[]): void {
    const split = rows.length < 2 ? null : this.#bestSplit(rows, sides);
    if (split === null) {
      const sum = rows.reduce((total, row) => total + (this.#y[row] ?? 0), 0);
      this.leaves.push({ value: sum / rows.length, sides });
      return;
    }
    const { d, left, right } = split;
    const goesLeft = (row: number) => covers(left, this.#units[row]?.[d] ?? 0);
    this.grow(rows.filter(goesLeft), sides.with(d, left));
    this.grow(
      rows.filter((row) => !goesLeft(row)),
      sides.with(d, right),
    );
  }

  #bestSplit(rows: readonly number[], sides: readonly Side[]): Split | null {
    const open = Array.from(this.#dimensions.keys());
    let best: Split | null = null;
    for (let left = Math.ceil(CHOSEN_AMONG * open.length); left > 0; left--) {
      const [d = 0] = open.splice(this.#random.int(open.length), 1);
      const split = this.#splitAlong(d, rows, sides[d] as Side);
      if (split !== null && split.gain > (best?.gain ?? 0)) best = split;
    }
    return best;
  }

  /** The cut along one dimension that leaves the least squares; levels of a choice are cut in the order of their means. */
  #splitAlong(d: number, rows: readonly number[], side: Side): Split | null {
    const places = side.levels === null ? null : this.#places(d, rows, side.levels);
    const at = (row: number): number => {
      const u = this.#units[row]?.[d] ?? 0;
      return places === null ? u : (places[levelAt(places.length, u)] ?? 0);
    };
    const sorted = rows.map((row) => ({ key: at(row), y: this.#y[row] ?? 0 })).sort((a, b) => a.key - b.key);
    const total = sorted.reduce((sum, { y }) => sum + y, 0);
    const scale = sorted.reduce((sum, { y }) => sum + y * y, 0);
    let [gain, cut, before] = [1e-12 * scale, Number.NaN, 0];
    for (let i = 1; i < sorted.length; i++) {
      before += sorted[i - 1]?.y ?? 0;
      const [last, next] = [sorted[i - 1]?.key ?? 0, sorted[i]?.key ?? 0];
      if (last === next) continue;
      const rest = sorted.length - i;
      const gained = before ** 2 / i + (total - before) ** 2 / rest - total ** 2 / sorted.length;
      if (gained > gain) [gain, cut] = [gained, (last + next) / 2];
    }
    if (Number.isNaN(cut)) return null;
    if (places === null || side.levels === null)
      return { d, gain, left: { ...side, high: cut }, right: { ...side, low: cut } };
    const left = side.levels.map((covered, level) => (covered === 1 && (places[level] ?? 0) < cut ? 1 : 0));
    const right = side.levels.map((covered, level) => covered - (left[level] ?? 0));
    return { d, gain, left: { ...side, levels: left }, right: { ...side, levels: right } };
  }

  /** The place of each level in the order of the means; one without rows goes to either end by chance. */
  #places(d: number, rows: readonly number[], levels: Uint8Array): Uint8Array {
    const sums = Array.from(levels, () => ({ sum: 0, count: 0 }));
    for (const row of rows) {
      const tally = sums[levelAt(levels.length, this.#units[row]?.[d] ?? 0)];
      if (tally === undefined) continue;
      tally.sum += this.#y[row] ?? 0;
      tally.count++;
    }
    const means = sums.map(({ sum, count }) =>
      count > 0 ? sum / count : this.#random.next() < 0.5 ? -Infinity : Infinity,
    );
    const order = Array.from(means.keys()).sort((a, b) => {
      const [x, y] = [means[a] ?? 0, means[b] ?? 0];
      return x < y ? -1 : x > y ? 1 : a - b;
    });
    const places = new Uint8Array(levels.length);
    order.forEach((level, place) => {
      places[level] = place;
    });
    return places;
  }
}
