import { type Clause, clausesOf } from '../config/constraints.ts';
import type { Params, SpaceConfig } from '../config/parameters.ts';
import type { Experiment, ParameterValue } from '../config/schema.ts';
import { KlorosError } from '../errors.ts';
import { compileDimension, type Dimension } from './dimension.ts';
import { findFeasible } from './feasible.ts';
import type { Prng } from './prng.ts';
import type { Box, Point, Space } from './unit-space.ts';

export type { Box, Point, Space } from './unit-space.ts';

interface Condition {
  readonly parent: number;
  readonly values: readonly ParameterValue[];
}

/**
 * Compiles the parameters of an experiment into a unit cube.
 * @throws KLR_E_SPACE_EMPTY naming the parameter or the clause when no configuration is possible
 * @throws KLR_E_CONFIG_INVALID for a clause that is no valid CEL
 */
export function compileSpace(experiment: SpaceConfig): Space {
  const names = Object.keys(experiment.parameters);
  if (names.length === 0) throw new KlorosError('KLR_E_SPACE_EMPTY', 'the space has no parameters');
  const dimensions = Object.entries(experiment.parameters).map(([name, p]) => compileDimension(name, p));
  const conditions = names.map((name) => conditionsOf(experiment.parameters, names, name));
  const layout = { names, dimensions, conditions, order: parentsFirst(names, conditions) };
  const clauses = clausesOf(experiment);
  const base = new CompiledSpace(layout, clauses, null);
  return clauses.length === 0 ? base : new CompiledSpace(layout, clauses, findFeasible(base, clauses));
}

function conditionsOf(
  parameters: Experiment['parameters'],
  names: readonly string[],
  name: string,
): Condition[] {
  return Object.entries(parameters[name]?.when ?? {}).map(([parent, values]) => {
    const index = names.indexOf(parent);
    if (index < 0)
      throw new KlorosError('KLR_E_SPACE_EMPTY', `${name} is active when ${parent}, which is no parameter`, {
        where: name,
      });
    return { parent: index, values };
  });
}

/** Dimensions ordered so that each comes after those that its activity depends on. */
function parentsFirst(names: readonly string[], conditions: readonly (readonly Condition[])[]): number[] {
  const order: number[] = [];
  const state = new Uint8Array(names.length);
  const visit = (index: number): void => {
    if (state[index] === 2) return;
    if (state[index] === 1)
      throw new KlorosError('KLR_E_SPACE_EMPTY', `the conditions of ${names[index]} run in a circle`, {
        where: names[index] ?? '',
      });
    state[index] = 1;
    for (const condition of conditions[index] ?? []) visit(condition.parent);
    state[index] = 2;
    order.push(index);
  };
  for (let i = 0; i < names.length; i++) visit(i);
  return order;
}

interface Layout {
  readonly names: readonly string[];
  readonly dimensions: readonly Dimension[];
  readonly conditions: readonly (readonly Condition[])[];
  readonly order: readonly number[];
}

class CompiledSpace implements Space {
  readonly dimensions: readonly Dimension[];
  readonly size: number;
  readonly ruled: boolean;
  readonly #layout: Layout;
  readonly #clauses: readonly Clause[];
  /** Points known to keep the rules, for repairs; null while they are being looked for. */
  readonly #feasible: readonly Point[] | null;

  constructor(layout: Layout, clauses: readonly Clause[], feasible: readonly Point[] | null) {
    this.#layout = layout;
    this.dimensions = layout.dimensions;
    this.size = layout.dimensions.reduce((product, d) => product * d.levels, 1);
    this.#clauses = clauses;
    this.ruled = clauses.length > 0;
    this.#feasible = feasible;
  }

  fromUnit(unit: ArrayLike<number>): Point {
    const values = this.dimensions.map((d, i) => d.fromUnit(unit[i] ?? d.rest));
    return this.#point(values, unit);
  }

  toUnit(params: Params): Point {
    const values = this.dimensions.map((d) => {
      const value = Object.hasOwn(params, d.name) ? params[d.name] : undefined;
      return (value === undefined ? undefined : d.nearest(value)) ?? d.initial;
    });
    return this.#point(values, null);
  }

  /** @param exact the coordinates that a continuum keeps, so that no rounding creeps in */
  #point(values: readonly ParameterValue[], exact: ArrayLike<number> | null): Point {
    const active = new Uint8Array(values.length);
    const unit = new Float64Array(values.length);
    for (const i of this.#layout.order) {
      const conditions = this.#layout.conditions[i] ?? [];
      active[i] = conditions.every((c) => active[c.parent] === 1 && holds(c, values[c.parent])) ? 1 : 0;
    }
    const params: Record<string, ParameterValue> = {};
    this.dimensions.forEach((d, i) => {
      const value = values[i];
      unit[i] = d.rest;
      if (active[i] === 0 || value === undefined) return;
      params[d.name] = value;
      const kept = d.kind === 'real' ? exact?.[i] : undefined;
      unit[i] = Math.min(1, Math.max(0, kept ?? d.toUnit(value)));
    });
    // Not the coordinates: those of a continuum have more digits than the value they stand for.
    return { params, unit, active, key: values.map((v, i) => (active[i] === 1 ? v : '')).join('\u0000') };
  }

  violations(params: Params): string[] {
    return this.#clauses.filter((clause) => clause.broken(params) !== null).map((clause) => clause.source);
  }

  allows(params: Params): boolean {
    return this.#clauses.every((clause) => clause.broken(params) === null);
  }

  sample(random: Prng, box?: Box): Point {
    const unit = new Float64Array(this.dimensions.length);
    for (let attempt = 0; ; attempt++) {
      for (let i = 0; i < unit.length; i++) {
        const low = box?.low[i] ?? 0;
        unit[i] = low + random.next() * ((box?.high[i] ?? 1) - low);
      }
      const point = this.fromUnit(unit);
      if (this.allows(point.params)) return point;
      if (attempt === 20) return this.repair(unit, random);
    }
  }

  repair(unit: ArrayLike<number>, random: Prng): Point {
    const wanted = this.fromUnit(unit);
    if (this.#feasible === null || this.allows(wanted.params)) return wanted;
    const anchor = random.pick(this.#feasible);
    // Halving of the way to a point that is known to be good: each step keeps a good end and tries nearer.
    let good = anchor;
    let near = 0;
    let far = 1;
    for (let i = 0; i < 12; i++) {
      const share = (near + far) / 2;
      const mixed = anchor.unit.map((a, j) => (wanted.unit[j] ?? a) * (1 - share) + a * share);
      const point = this.fromUnit(mixed);
      if (this.allows(point.params)) {
        good = point;
        far = share;
      } else near = share;
    }
    return good;
  }

  neighbours(point: Point): Point[] {
    const found = new Map<string, Point>();
    this.dimensions.forEach((d, i) => {
      if (point.active[i] === 0) return;
      for (const coordinate of neighbourCoordinates(d, point.unit[i] ?? 0)) {
        const unit = point.unit.slice();
        unit[i] = coordinate;
        const other = this.fromUnit(unit);
        if (other.key !== point.key && this.allows(other.params)) found.set(other.key, other);
      }
    });
    return [...found.values()];
  }
}

function holds(condition: Condition, value: ParameterValue | undefined): boolean {
  return value !== undefined && condition.values.includes(value);
}

function neighbourCoordinates(dimension: Dimension, at: number): number[] {
  if (dimension.kind === 'choice')
    return Array.from({ length: dimension.levels }, (_, k) => (k + 0.5) / dimension.levels);
  const move = dimension.kind === 'real' ? 0.1 : 1 / dimension.levels;
  const value = dimension.fromUnit(at);
  const steps = [];
  for (const sign of [-1, 1]) {
    // On a logarithmic scale the levels are unequal: go on until the value changes.
    let to = at;
    do to += sign * move;
    while (to > 0 && to < 1 && dimension.fromUnit(to) === value);
    if (to > -move && to < 1 + move) steps.push(Math.min(1, Math.max(0, to)));
  }
  return steps;
}
