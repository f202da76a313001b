/**
 * The default: the sampler that measures best for the stage of a search (`bench/search/quick.ts`). The Gaussian process
 * leads; every few suggestions TPE has its say on the same evaluations, more often under noise, so that a model gone
 * wrong does not hold the search. Long searches go over to CMA-ES and evolution, whose cost does not grow.
 */
import type { Archive } from '../archive.ts';
import type { Prng } from '../prng.ts';
import type { Point } from '../space.ts';
import { cmaSampler } from './cma.ts';
import { evolutionSampler } from './evolution.ts';
import { gaussianSampler } from './gaussian.ts';
import type { Sampler, SamplerSetup } from './sampler.ts';
import { tpeSampler } from './tpe.ts';

/** Evaluations after which the model's cost outweighs its gain. */
const MODELLED = 200;
/** Evaluations before which a second opinion would rest on too little. */
const FEWEST = 10;

export function autoSampler(setup: SamplerSetup): Sampler {
  const gaussian = gaussianSampler(setup);
  const tpe = tpeSampler(setup);
  const cma = cmaSampler(setup);
  const evolution = evolutionSampler(setup);
  const { space, settings } = setup;
  const numbers = space.dimensions.filter((d) => d.kind !== 'choice' && d.levels > 1).length;
  // CMA-ES ranks by one value and needs numbers to move.
  const steers = settings.directions.length === 1 && numbers > 1;
  const secondOpinion = settings.noise ? (numbers < space.dimensions.length ? 3 : 4) : 8;
  // Where choices matter, CMA-ES alone would polish the numbers of one combination.
  const rota = !steers
    ? [evolution, evolution, tpe]
    : numbers < space.dimensions.length
      ? [cma, evolution, cma, tpe]
      : [cma, cma, cma, evolution];
  const later = (turn: number): Sampler => rota[turn % rota.length] ?? evolution;
  let turn = 0;
  return {
    name: 'auto',
    get restarts() {
      return (evolution.restarts ?? 0) + (cma.restarts ?? 0);
    },
    propose(archive: Archive, random: Prng): Point {
      turn++;
      const known = archive.evaluations.length;
      if (known >= MODELLED) return later(turn).propose(archive, random);
      if (known > FEWEST && turn % secondOpinion === 0) return tpe.propose(archive, random);
      return gaussian.propose(archive, random);
    },
  };
}
