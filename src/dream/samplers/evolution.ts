/**
 * A steady-state evolutionary search for mixed spaces: tournaments (on rank, sometimes on novelty), uniform crossover
 * with blending, step sizes that are inherited and mutate themselves (self-adaptation: Schwefel, 1981; Bäck, 1996),
 * elitism, re-evaluation of the elite under noise, and a restart elsewhere when the population has collapsed or stands
 * still.
 */
import type { Archive, Configuration } from '../archive.ts';
import type { Dimension } from '../dimension.ts';
import { distance, diversity } from '../diversity.ts';
import type { Prng } from '../prng.ts';
import { ranked } from '../ranking.ts';
import type { Point, Space } from '../space.ts';
import type { Sampler, SamplerSetup } from './sampler.ts';
import { sobolSampler } from './sobol.ts';

const COLLAPSED = 0.01;
const FIRST_STEP = 0.2;
const SMALLEST_STEP = 0.002;
const NOVELTY_SHARE = 0.15;
const REEVALUATION_SHARE = 0.2;
const ELITE = 3;
const ENOUGH_EVALUATIONS = 6;

export function evolutionSampler(setup: SamplerSetup): Sampler {
  return new Evolution(setup);
}

class Evolution implements Sampler {
  readonly name = 'evolution';
  restarts = 0;
  readonly #space: Space;
  readonly #noise: boolean;
  readonly #size: number;
  readonly #start: Sampler;
  /** Evaluations of a population before it breeds. */
  readonly #starting: number;
  /** Evaluations from this index on belong to the present population. */
  #since = 0;
  readonly #steps = new Map<string, number>();

  constructor(setup: SamplerSetup) {
    const { space, settings } = setup;
    this.#space = space;
    this.#noise = settings.noise;
    this.#size = Math.round(Math.min(40, Math.max(8, 4 + 2 * space.dimensions.length, settings.budget / 12)));
    this.#start = sobolSampler(setup);
    this.#starting = Math.max(2, Math.min(this.#size, Math.floor(settings.budget / 3)));
  }

  propose(archive: Archive, random: Prng): Point {
    const age = archive.evaluations.length - this.#since;
    if (age < 2 || age + archive.pending.length < this.#starting) return this.#start.propose(archive, random);
    const population = this.#population(archive);
    if (this.#mustRestart(archive, population)) {
      this.restarts++;
      this.#since = archive.evaluations.length;
      return this.#start.propose(archive, random);
    }
    return this.#reevaluation(archive, population, random) ?? this.#child(archive, population, random);
  }

  #population(archive: Archive): Configuration[] {
    const keys = new Set(archive.evaluations.slice(this.#since).map((e) => e.point.key));
    return ranked(archive.configurations.filter((c) => keys.has(c.point.key))).slice(0, this.#size);
  }

  #mustRestart(archive: Archive, population: readonly Configuration[]): boolean {
    const age = archive.evaluations.length - this.#since;
    if (age < 2 * this.#size) return false;
    const points = population.map((c) => c.point);
    if (diversity(this.#space.dimensions, points) < COLLAPSED) return true;
    const newest = Math.max(...population.map((c) => c.evaluations[0]?.id ?? 0));
    const last = archive.evaluations.at(-1)?.id ?? 0;
    // Nobody has entered the population for a long time.
    return last - newest > 4 * this.#size;
  }

  /** Under noise: one of the elite again, the least measured first, so that luck does not keep its seat. */
  #reevaluation(archive: Archive, population: readonly Configuration[], random: Prng): Point | null {
    if (!this.#noise || random.next() >= REEVALUATION_SHARE) return null;
    const elite = population
      .slice(0, ELITE)
      .filter((c) => c.mean !== null && archive.count(c.point.key) < ENOUGH_EVALUATIONS)
      .sort((a, b) => archive.count(a.point.key) - archive.count(b.point.key));
    return elite[0]?.point ?? null;
  }

  #child(archive: Archive, population: readonly Configuration[], random: Prng): Point {
    const mother = this.#parent(population, random);
    const father = this.#parent(population, random);
    const step = this.#steps.get(mother.key) ?? FIRST_STEP;
    for (let attempt = 0; ; attempt++) {
      const inherited = Math.max(SMALLEST_STEP, step * Math.exp(0.4 * random.normal()));
      const mutated = Math.min(0.5, inherited * 1.5 ** attempt);
      const unit = crossed(this.#space.dimensions, mother, father, random);
      mutate(this.#space.dimensions, unit, mutated, random);
      const point = this.#space.repair(unit, random);
      if (attempt < 10 && archive.count(point.key) > 0) continue;
      this.#steps.set(point.key, mutated);
      return point;
    }
  }

  #parent(population: readonly Configuration[], random: Prng): Point {
    const entrants = [random.int(population.length), random.int(population.length)];
    if (random.next() >= NOVELTY_SHARE) return pointAt(population, Math.min(...entrants));
    const [a, b] = entrants.map((index) => pointAt(population, index)) as [Point, Point];
    return this.#novelty(population, a) >= this.#novelty(population, b) ? a : b;
  }

  /** Mean distance to the three nearest of the population. */
  #novelty(population: readonly Configuration[], point: Point): number {
    const distances = population.map((c) => distance(this.#space.dimensions, c.point, point));
    return distances
      .sort((a, b) => a - b)
      .slice(1, 4)
      .reduce((sum, d) => sum + d, 0);
  }
}

function pointAt(population: readonly Configuration[], index: number): Point {
  const configuration = population[index];
  if (configuration === undefined) throw new RangeError('an empty population');
  return configuration.point;
}

/** Each coordinate from either parent; half of the numbers somewhere between both or a little beyond. */
function crossed(dimensions: readonly Dimension[], a: Point, b: Point, random: Prng): Float64Array {
  if (random.next() < 0.25) return a.unit.slice();
  return a.unit.map((x, i) => {
    const y = b.unit[i] ?? x;
    if (random.next() < 0.5) return random.next() < 0.5 ? y : x;
    if (dimensions[i]?.kind === 'choice') return x;
    return reflected(x + (y - x) * (1.2 * random.next() - 0.1));
  });
}

function mutate(dimensions: readonly Dimension[], unit: Float64Array, step: number, random: Prng): void {
  const n = dimensions.length;
  const share = Math.max(1.5 / n, Math.min(1, 3 * step));
  const always = random.int(n);
  dimensions.forEach((d, i) => {
    if (i !== always && random.next() >= share) return;
    if (d.kind === 'choice') {
      if (i === always || random.next() < Math.max(1 / n, step)) unit[i] = random.next();
      return;
    }
    const width = d.kind === 'ordered' ? Math.max(step, 0.7 / d.levels) : step;
    unit[i] = reflected((unit[i] ?? 0) + width * random.normal());
  });
}

function reflected(x: number): number {
  const folded = Math.abs(x) % 2;
  return folded > 1 ? 2 - folded : folded;
}
