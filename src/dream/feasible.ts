import type { Clause } from '../config/constraints.ts';
import { KlorosError } from '../errors.ts';
import { Prng } from './prng.ts';
import type { Point, Space } from './unit-space.ts';

const SAMPLES = 2000;
const CLIMBS = 20;
const ENOUGH = 16;
/** The search for a feasible point is part of the meaning of a space: always the same. */
const SEED = 0x5eed;

/**
 * Points that keep every rule: the defaults where they do, random ones, and where those fail ones found by a walk
 * that breaks ever fewer rules.
 * @throws KLR_E_SPACE_EMPTY with the clause that nothing satisfies, or those that exclude each other
 */
export function findFeasible(space: Space, clauses: readonly Clause[]): Point[] {
  const defaults = space.toUnit({});
  const random = new Prng(SEED);
  const found = new Map<string, Point>();
  const kept = new Array<number>(clauses.length).fill(0);
  const inspect = (point: Point): number => {
    let broken = 0;
    clauses.forEach((clause, i) => {
      if (clause.broken(point.params) === null) kept[i] = (kept[i] ?? 0) + 1;
      else broken++;
    });
    if (broken === 0) found.set(point.key, point);
    return broken;
  };
  inspect(defaults);
  for (const point of candidates(space, random)) {
    inspect(point);
    if (found.size >= ENOUGH) return [...found.values()];
  }
  for (let i = 0; i < CLIMBS && found.size < ENOUGH; i++) walk(space, space.sample(random), inspect, random);
  if (found.size > 0) return [...found.values()];
  throw emptiness(clauses, kept);
}

/** Every configuration of a small space (each exactly once per combination of levels), random ones of a large one. */
function* candidates(space: Space, random: Prng): Generator<Point> {
  if (space.size > SAMPLES) {
    for (let i = 0; i < SAMPLES; i++) yield space.sample(random);
    return;
  }
  const unit = new Float64Array(space.dimensions.length);
  for (let i = 0; i < space.size; i++) {
    let rest = i;
    space.dimensions.forEach((d, j) => {
      unit[j] = ((rest % d.levels) + 0.5) / d.levels;
      rest = Math.floor(rest / d.levels);
    });
    yield space.fromUnit(unit);
  }
}

/** From a point to neighbours (and redrawn coordinates) that break no more rules, until none is broken. */
function walk(space: Space, start: Point, inspect: (point: Point) => number, random: Prng): void {
  let at = start;
  let broken = inspect(at);
  for (let step = 0; step < 60 && broken > 0; step++) {
    const unit = at.unit.slice();
    const moves = 1 + random.int(2);
    for (let m = 0; m < moves; m++) unit[random.int(unit.length)] = random.next();
    const next = space.fromUnit(unit);
    const worse = inspect(next);
    if (worse <= broken) {
      at = next;
      broken = worse;
    }
  }
}

function emptiness(clauses: readonly Clause[], kept: readonly number[]): KlorosError {
  const never = clauses.filter((_, i) => kept[i] === 0).map((clause) => `"${clause.source}"`);
  const message =
    never.length > 0
      ? `no configuration was found that satisfies ${never.join(' and ')}`
      : `each clause can be satisfied, but no configuration was found that satisfies all of ${clauses.map((c) => `"${c.source}"`).join(', ')}`;
  return new KlorosError('KLR_E_SPACE_EMPTY', message, { where: never[0] ?? clauses[0]?.source ?? '' });
}
