/** Which parameters matter, and how: functional ANOVA on a random forest (Hutter, Hoos & Leyton-Brown, 2014). */
import type { Params } from '../config/parameters.ts';
import type { ParameterValue } from '../config/schema.ts';
import type { Dimension } from './dimension.ts';
import { Decomposition, type Variances } from './model/fanova.ts';
import { growTree, predicted, type Tree } from './model/forest.ts';
import { Prng } from './prng.ts';
import { mean } from './score.ts';
import type { Point, Space } from './unit-space.ts';

/** Shares of the variance over the whole space, 0 to 1; each uncertainty is a standard deviation over the trees. */
export interface Importance {
  readonly name: string;
  /** By the parameter alone. */
  readonly share: number;
  readonly uncertainty: number;
  /** By the parameter alone and in every interaction. */
  readonly total: number;
}

/** What two parameters do together beyond what each does alone. */
export interface Interaction {
  readonly names: readonly [string, string];
  readonly share: number;
  readonly uncertainty: number;
}

/** The expected value along a parameter, all others averaged out. */
export interface Effect {
  readonly name: string;
  readonly curve: readonly {
    readonly value: ParameterValue;
    readonly mean: number;
    readonly uncertainty: number;
  }[];
}

export interface Analysis {
  /**
   * How much of the variance of the values the forest predicts at points that a tree has not seen, 0 to 1: what all
   * shares are shares of. Near 0 the values are noise to it, and the shares mean nothing.
   */
  readonly explained: number;
  /** Most important first, by `total`. */
  readonly importance: readonly Importance[];
  /** Of the parameters that matter most, strongest first. */
  readonly interactions: readonly Interaction[];
  /** In the order of `importance`. */
  readonly effects: readonly Effect[];
}

interface AnalysisOptions {
  /** 32-bit unsigned. */
  readonly seed: number;
}

const TREES = 32;
/** With fewer results a forest tells chance from effect too badly to show. */
const FEWEST = 10;
/** Parameters whose pairs are looked at. */
const PAIRED = 6;
/** Points of the curve of a number. */
const CURVE = 11;

/**
 * The importance of each parameter that has two values at least, most important first; empty where nothing can be
 * said: fewer than ten values that are finite, or all of them equal.
 * @param points configurations, missing parameters being inactive or the default; @param values one each
 */
export function importance(
  space: Space,
  points: readonly Params[],
  values: readonly number[],
  options: AnalysisOptions,
): Importance[] {
  return ranked(space, grown(space, points, values, options).trees);
}

/** The importance of parameters and of their pairs, and their effects. */
export function analyse(
  space: Space,
  points: readonly Params[],
  values: readonly number[],
  options: AnalysisOptions,
): Analysis {
  const { trees, explained } = grown(space, points, values, options);
  const parameters = ranked(space, trees);
  const order = parameters.map(({ name }) => space.dimensions.findIndex((d) => d.name === name));
  return {
    explained,
    importance: parameters,
    interactions: interactionsOf(space, trees, order.slice(0, PAIRED)),
    effects: order.map((d) => effectOf(space.dimensions[d] as Dimension, d, trees, points)),
  };
}

interface Decomposed extends Variances {
  readonly parts: Decomposition;
}

interface Grown {
  readonly trees: readonly Decomposed[];
  readonly explained: number;
}

/** The trees in which something varies; none where too few values are finite. */
function grown(
  space: Space,
  points: readonly Params[],
  values: readonly number[],
  { seed }: AnalysisOptions,
): Grown {
  const kept = points.flatMap((params, i) =>
    Number.isFinite(values[i]) ? [{ params, value: values[i] ?? 0 }] : [],
  );
  if (kept.length < FEWEST) return { trees: [], explained: 0 };
  const known = kept.map(({ params }) => space.toUnit(params));
  const finite = kept.map(({ value }) => value);
  const forest = Array.from({ length: TREES }, (_, tree) =>
    growTree(space.dimensions, known, finite, new Prng(seed, tree)),
  );
  const trees = forest.map(({ leaves }) => {
    const parts = new Decomposition(leaves);
    return { parts, ...parts.variances() };
  });
  return { trees: trees.filter(({ whole }) => whole > 0), explained: explainedBy(forest, known, finite) };
}

/** Each point judged by the trees that were grown without it (out of bag: Breiman, 2001). */
function explainedBy(forest: readonly Tree[], points: readonly Point[], values: readonly number[]): number {
  const middle = mean(values);
  let [missed, spread] = [0, 0];
  points.forEach(({ unit }, i) => {
    const judges = forest.filter(({ drawn }) => !drawn.has(i));
    if (judges.length === 0) return;
    const value = values[i] ?? 0;
    missed += (value - mean(judges.map(({ leaves }) => predicted(leaves, unit)))) ** 2;
    spread += (value - middle) ** 2;
  });
  return spread > 0 ? Math.max(0, 1 - missed / spread) : 0;
}

function ranked(space: Space, trees: readonly Decomposed[]): Importance[] {
  if (trees.length === 0) return [];
  const shares = space.dimensions.flatMap(({ name, levels }, d) => {
    if (levels < 2) return [];
    const { mean: share, deviation: uncertainty } = over(trees, ({ main, whole }) => (main[d] ?? 0) / whole);
    const total = over(trees, (tree) => (tree.total[d] ?? 0) / tree.whole).mean;
    return [{ name, share, uncertainty, total }];
  });
  return shares.sort((a, b) => b.total - a.total);
}

function interactionsOf(
  space: Space,
  trees: readonly Decomposed[],
  chosen: readonly number[],
): Interaction[] {
  const name = (d: number) => space.dimensions[d]?.name ?? '';
  const pairs = chosen.flatMap((i, at) => chosen.slice(at + 1).map((j) => [i, j] as const));
  const found = pairs.map(([i, j]) => {
    const { mean: share, deviation: uncertainty } = over(
      trees,
      ({ parts, main, whole }) => (parts.together(i, j) - (main[i] ?? 0) - (main[j] ?? 0)) / whole,
    );
    return { names: [name(i), name(j)] as const, share, uncertainty };
  });
  return found.sort((a, b) => b.share - a.share);
}

/** Of listed values only those that were measured: what a forest says of the others, forbidden ones too, is a guess. */
function effectOf(
  dimension: Dimension,
  d: number,
  trees: readonly Decomposed[],
  points: readonly Params[],
): Effect {
  const measured = new Set(points.map((params) => params[dimension.name]));
  const count = Math.min(dimension.levels, dimension.kind === 'choice' ? Infinity : CURVE);
  const curve = Array.from({ length: count }, (_, k) => {
    const u = count === dimension.levels ? (k + 0.5) / count : k / (count - 1);
    const { mean: height, deviation: uncertainty } = over(trees, ({ parts }) => parts.marginal(d, u));
    return { value: dimension.fromUnit(u), mean: height, uncertainty };
  });
  const listed = count === dimension.levels;
  return { name: dimension.name, curve: listed ? curve.filter(({ value }) => measured.has(value)) : curve };
}

function over(
  trees: readonly Decomposed[],
  of: (tree: Decomposed) => number,
): { mean: number; deviation: number } {
  const values = trees.map(of);
  const middle = mean(values);
  return { mean: middle, deviation: Math.sqrt(mean(values.map((value) => (value - middle) ** 2))) };
}
