/**
 * The default: the sampler that measures best for the stage of a search (`npm run bench -- search/quick`). The
 * Gaussian process leads; every few suggestions another method has its say on the same evaluations, so that a model
 * gone wrong does not hold the search. Long searches go over to evolution, whose cost does not grow.
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
const SECOND_OPINION = 5;

export function autoSampler(setup: SamplerSetup): Sampler {
  const gaussian = gaussianSampler(setup);
  const tpe = tpeSampler(setup);
  const evolution = evolutionSampler(setup);
  const cma = cmaSampler(setup);
  const discrete = setup.space.dimensions.some((d) => d.kind === 'choice');
  let turn = 0;
  return {
    name: 'auto',
    get restarts() {
      return (evolution.restarts ?? 0) + (cma.restarts ?? 0);
    },
    propose(archive: Archive, random: Prng): Point {
      turn++;
      if (archive.evaluations.length >= MODELLED)
        return (turn % 4 === 0 ? evolution : cma).propose(archive, random);
      if (discrete && archive.evaluations.length > 10 && turn % SECOND_OPINION === 0)
        return tpe.propose(archive, random);
      return gaussian.propose(archive, random);
    },
  };
}
