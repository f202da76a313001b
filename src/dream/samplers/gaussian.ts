/**
 * Bayesian optimisation: a Gaussian process over the mixed unit cube (model/), warped values, expected improvement
 * sought from the best known points and afar; points under way count as measured where the model believes them
 * (kriging believer: Ginsbourger et al., 2010).
 */
import type { Archive } from '../archive.ts';
import { Surrogate } from '../model/surrogate.ts';
import type { Prng } from '../prng.ts';
import type { Point, Space } from '../space.ts';
import { Hunt } from './hunt.ts';
import type { Sampler, SamplerSetup } from './sampler.ts';
import { sobolSampler } from './sobol.ts';

export function gaussianSampler(setup: SamplerSetup): Sampler {
  return new Gaussian(setup);
}

class Gaussian implements Sampler {
  readonly name = 'gaussian';
  readonly #setup: SamplerSetup;
  readonly #space: Space;
  readonly #start: Sampler;
  readonly #starting: number;
  readonly #surrogate: Surrogate;

  constructor(setup: SamplerSetup) {
    const { space, settings } = setup;
    this.#setup = setup;
    this.#space = space;
    this.#start = sobolSampler(setup);
    this.#starting = Math.max(3, Math.min(2 + space.dimensions.length, Math.floor(settings.budget / 4)));
    this.#surrogate = new Surrogate(space, settings.noise);
  }

  propose(archive: Archive, random: Prng): Point {
    const pending = archive.pending;
    const known = archive.evaluations.length;
    if (known + pending.length < this.#starting || known < 2) return this.#start.propose(archive, random);
    const model = this.#surrogate.model(archive, random);
    const believed = pending.filter((point) => model.process.append(point.unit));
    const found = new Hunt(this.#space, model, believed, this.#setup.box(), random).best();
    model.process.truncate(model.rows.length);
    for (const unit of found) {
      const point = this.#space.repair(unit, random);
      if (archive.count(point.key) === 0) return point;
    }
    return this.#space.sample(random, this.#setup.box());
  }
}
