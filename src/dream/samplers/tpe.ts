/**
 * A tree-structured Parzen estimator (Bergstra et al., 2011), multivariate (Falkner, Klein & Hutter, 2018): the good
 * and the other configurations each as a mixture of kernels over all dimensions together, and the candidate with the
 * highest ratio of the two. Dimensions that are inactive in a kernel count as unknown there, so conditional spaces
 * need nothing special. Points under way count among the others, which spreads parallel suggestions.
 */
import type { Archive, Evaluation } from '../archive.ts';
import type { Dimension } from '../dimension.ts';
import { drawWeights, losses } from '../losses.ts';
import type { Prng } from '../prng.ts';
import type { Point, Space } from '../space.ts';
import type { Sampler, SamplerSetup } from './sampler.ts';
import { sobolSampler } from './sobol.ts';

const CANDIDATES = 32;
const GOOD_SHARE = 0.15;
const MOST_GOOD = 25;
/** More of the others than this are thinned out: a density needs no more. */
const MOST_OTHERS = 150;

export function tpeSampler(setup: SamplerSetup): Sampler {
  const { space, settings, box } = setup;
  const start = sobolSampler(setup);
  const starting = Math.max(4, Math.min(10, Math.floor(settings.budget / 4)));
  return {
    name: 'tpe',
    propose(archive: Archive, random: Prng): Point {
      if (archive.evaluations.length < starting || random.next() < 0.05)
        return start.propose(archive, random);
      const { good, others } = divided(archive, random);
      const promising = new Mixture(space, good, box() === undefined ? 1 : 0);
      const poor = new Mixture(space, [...others, ...archive.pending], 1);
      let best = space.sample(random, box());
      let highest = -Infinity;
      for (let i = 0; i < CANDIDATES; i++) {
        const point = space.repair(promising.draw(random), random);
        const ratio = promising.logDensity(point) - poor.logDensity(point);
        if (ratio > highest && archive.count(point.key) === 0) {
          best = point;
          highest = ratio;
        }
      }
      return best;
    },
  };
}

function divided(archive: Archive, random: Prng): { good: Point[]; others: Point[] } {
  const { evaluations } = archive;
  const loss = losses(evaluations, drawWeights(archive.objectives, random));
  const order = Array.from(loss.keys()).sort((a, b) => (loss[a] ?? 0) - (loss[b] ?? 0));
  const count = Math.min(MOST_GOOD, Math.max(2, Math.ceil(GOOD_SHARE * order.length)));
  const at = (index: number): Point => (evaluations[index] as Evaluation).point;
  const rest = order.slice(count);
  const stride = Math.max(1, rest.length / MOST_OTHERS);
  const thinned = Array.from(
    { length: Math.min(rest.length, MOST_OTHERS) },
    (_, i) => rest[Math.floor(i * stride)] ?? 0,
  );
  return { good: order.slice(0, count).map(at), others: thinned.map(at) };
}

/** Kernels around points, and with weight `prior` the uniform distribution. */
class Mixture {
  readonly #space: Space;
  readonly #points: readonly Point[];
  readonly #prior: number;
  readonly #width: number;
  /** Share of a choice's kernel that is spread over all its values. */
  readonly #blur: number;

  constructor(space: Space, points: readonly Point[], prior: number) {
    this.#space = space;
    this.#points = points;
    this.#prior = points.length === 0 ? 1 : prior;
    // Scott's rule, with the spread of a uniform distribution.
    this.#width = 0.3 * Math.max(1, points.length) ** (-1 / (space.dimensions.length + 4));
    this.#blur = 1 / (1 + points.length ** 0.5);
  }

  draw(random: Prng): Float64Array {
    const index = random.int(this.#points.length + this.#prior);
    const centre = this.#points[index];
    return Float64Array.from(this.#space.dimensions, (d, i) => {
      if (centre === undefined || centre.active[i] === 0) return random.next();
      const at = centre.unit[i] ?? 0;
      if (d.kind === 'choice') return random.next() < this.#blur ? random.next() : at;
      for (;;) {
        const x = at + this.#widthOf(d) * random.normal();
        if (x >= 0 && x <= 1) return x;
      }
    });
  }

  #widthOf(dimension: Dimension): number {
    return dimension.kind === 'ordered' ? Math.max(this.#width, 0.5 / dimension.levels) : this.#width;
  }

  /** The logarithm of the density at a point, relative to the uniform one. */
  logDensity(point: Point): number {
    const logs = this.#points.map((centre) => this.#logKernel(centre, point));
    for (let i = 0; i < this.#prior; i++) logs.push(0);
    const highest = Math.max(...logs);
    return highest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - highest), 0) / logs.length);
  }

  #logKernel(centre: Point, point: Point): number {
    let log = 0;
    this.#space.dimensions.forEach((d, i) => {
      if (point.active[i] === 0 || centre.active[i] === 0) return;
      const apart = (point.unit[i] ?? 0) - (centre.unit[i] ?? 0);
      if (d.kind === 'choice') log += Math.log(this.#blur + (apart === 0 ? (1 - this.#blur) * d.levels : 0));
      else {
        const width = this.#widthOf(d);
        log += -0.5 * (apart / width) ** 2 - Math.log(width * 2.5066);
      }
    });
    return log;
  }
}
