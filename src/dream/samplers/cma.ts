/**
 * CMA-ES (Hansen & Ostermeier, 2001; parameters of Hansen's tutorial, 2016) over the number dimensions, with its
 * matrix factorised by Cholesky each generation and restarts of doubled populations (IPOP: Auger & Hansen, 2005).
 * Choices are inherited from the best configurations. It starts from what the archive knows: at the best point, as
 * wide as the best points are apart (a warm start in the manner of Nomura et al., 2021).
 */
import type { Archive } from '../archive.ts';
import { identity, Strategy } from '../model/cma-strategy.ts';
import type { Prng } from '../prng.ts';
import { ranked } from '../ranking.ts';
import type { Point, Space } from '../space.ts';
import type { Sampler, SamplerSetup } from './sampler.ts';
import { sobolSampler } from './sobol.ts';

const WIDEST = 0.3;
const NARROWEST = 0.001;
/** Added to the diagonal of a covariance of mean diagonal 1: no direction is given up. */
const FLATTEST = 1e-4;
const COLLAPSED = 1e-5;
const CHOICE_MUTATION = 0.1;

interface Member {
  readonly point: Point;
  /** Offset from the mean in units of the step size. */
  readonly y: Float64Array;
}

export function cmaSampler(setup: SamplerSetup): Sampler {
  return new Cma(setup);
}

class Cma implements Sampler {
  readonly name = 'cma';
  restarts = 0;
  readonly #space: Space;
  /** The dimensions that have an order. */
  readonly #numbers: readonly number[];
  readonly #start: Sampler;
  readonly #starting: number;
  #strategy: Strategy | null = null;
  /** Where the choices of a run come from that started elsewhere; null: from the best configurations. */
  #base: Point | null = null;
  #generation: Member[] = [];
  #best = Infinity;
  #stale = 0;

  constructor(setup: SamplerSetup) {
    this.#start = sobolSampler(setup);
    this.#starting = Math.max(
      2,
      Math.min(4 * setup.space.dimensions.length, Math.floor(setup.settings.budget / 4)),
    );
    this.#space = setup.space;
    this.#numbers = setup.space.dimensions.flatMap((d, i) =>
      d.kind === 'choice' || d.levels < 2 ? [] : [i],
    );
  }

  propose(archive: Archive, random: Prng): Point {
    if (archive.evaluations.length < this.#starting) return this.#start.propose(archive, random);
    this.#strategy ??= this.#warm(archive, null);
    const told = this.#generation.filter((m) => archive.configuration(m.point.key) !== undefined);
    if (told.length >= this.#strategy.lambda) this.#advance(archive, told, random);
    return this.#draw(archive, random);
  }

  /** Mean at the best point, covariance of the best points about it. */
  #warm(archive: Archive, lambda: number | null): Strategy {
    const n = this.#numbers.length;
    const count = Math.min(2 * n + 4, Math.ceil(archive.configurations.length / 4));
    const elite = ranked(archive.configurations)
      .slice(0, count)
      .map((c) => this.#project(c.point));
    const mean = elite[0] ?? new Float64Array(n);
    const covariance = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++)
        covariance[i * n + j] =
          elite.reduce((sum, x) => sum + ((x[i] ?? 0) - (mean[i] ?? 0)) * ((x[j] ?? 0) - (mean[j] ?? 0)), 0) /
          count;
    let trace = 0;
    for (let i = 0; i < n; i++) trace += covariance[i * n + i] as number;
    const sigma = Math.min(WIDEST, Math.max(NARROWEST, Math.sqrt(trace / n)));
    const scale = n / Math.max(trace, 1e-12);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) covariance[i * n + j] = scale * (covariance[i * n + j] as number);
      covariance[i * n + i] = (covariance[i * n + i] as number) + FLATTEST;
    }
    return new Strategy(mean, sigma, lambda, covariance);
  }

  #project(point: Point): Float64Array {
    return Float64Array.from(this.#numbers, (i) => point.unit[i] ?? 0);
  }

  #advance(archive: Archive, told: readonly Member[], random: Prng): void {
    const strategy = this.#strategy as Strategy;
    const place = new Map(
      ranked(told.flatMap((m) => archive.configuration(m.point.key) ?? [])).map((c, i) => [c.point.key, i]),
    );
    const sorted = [...told].sort((a, b) => (place.get(a.point.key) ?? 0) - (place.get(b.point.key) ?? 0));
    strategy.update(sorted.map((m) => m.y));
    this.#generation = [];
    const best = archive.configuration(sorted[0]?.point.key ?? '')?.mean?.[0] ?? Infinity;
    this.#stale = best < this.#best ? 0 : this.#stale + 1;
    this.#best = Math.min(this.#best, best);
    if (strategy.sigma > COLLAPSED && this.#stale < 10 + 3 * this.#numbers.length) return;
    this.restarts++;
    this.#stale = 0;
    this.#best = Infinity;
    const n = this.#numbers.length;
    this.#base = this.restarts % 2 === 1 ? null : this.#space.sample(random);
    this.#strategy =
      this.#base === null
        ? this.#warm(archive, strategy.lambda)
        : new Strategy(this.#project(this.#base), WIDEST, 2 * strategy.lambda, identity(n));
  }

  #draw(archive: Archive, random: Prng): Point {
    const { mean, sigma, factor } = this.#strategy as Strategy;
    const n = mean.length;
    const parents = ranked(archive.configurations).slice(0, 5);
    const z = Float64Array.from({ length: n }, () => random.normal());
    const unit = (this.#base ?? random.pick(parents).point).unit.slice();
    this.#space.dimensions.forEach((d, i) => {
      if (d.kind === 'choice' && random.next() < CHOICE_MUTATION) unit[i] = random.next();
    });
    this.#numbers.forEach((i, row) => {
      let step = 0;
      for (let k = 0; k <= row; k++) step += (factor[row * n + k] as number) * (z[k] as number);
      const width = Math.max(sigma * Math.abs(step), this.#halfLevel(i)) * Math.sign(step);
      unit[i] = folded((mean[row] as number) + width);
    });
    const point = this.#space.repair(unit, random);
    const y = this.#project(point).map((x, i) => (x - (mean[i] as number)) / sigma);
    this.#generation.push({ point, y });
    return point;
  }

  /** A dimension of levels moves at least far enough to reach the next one half of the time. */
  #halfLevel(i: number): number {
    const levels = this.#space.dimensions[i]?.levels ?? Infinity;
    return levels === Infinity ? 0 : 0.3 / levels;
  }
}

function folded(x: number): number {
  const turn = Math.abs(x) % 2;
  return turn > 1 ? 2 - turn : turn;
}
