import type { Params } from '../config/parameters.ts';
import type { Dimension } from './dimension.ts';
import type { Prng } from './prng.ts';

/** A configuration beside its coordinates. */
export interface Point {
  readonly params: Params;
  /** One coordinate in [0, 1] per dimension, snapped to levels; inactive ones stand at their rest. */
  readonly unit: Float64Array;
  /** 1 where the dimension is active. */
  readonly active: Uint8Array;
  /** Equal for equal configurations. */
  readonly key: string;
}

/** A part of the unit cube: per dimension the lowest and the highest coordinate. */
export interface Box {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** What samplers know of an experiment's parameters: a unit cube, which point is which configuration, and the rules. */
export interface Space {
  readonly dimensions: readonly Dimension[];
  /** Upper bound of the number of configurations, Infinity with a continuum. */
  readonly size: number;
  /** Whether there are constraints or forbidden combinations. */
  readonly ruled: boolean;
  /** The configuration at some coordinates: always of valid values, yet it may break a rule. */
  fromUnit(unit: ArrayLike<number>): Point;
  /** The point of a configuration; missing values are the default, strange ones the nearest valid one. */
  toUnit(params: Params): Point;
  /** The constraints and forbidden combinations that a configuration breaks. */
  violations(params: Params): string[];
  allows(params: Params): boolean;
  /** A random point that keeps every rule. */
  sample(random: Prng, box?: Box): Point;
  /** The point at some coordinates, or one close by that keeps every rule. */
  repair(unit: ArrayLike<number>, random: Prng): Point;
  /** The points one level or choice away (a continuum moves by a tenth of the range) that keep every rule. */
  neighbours(point: Point): Point[];
}
