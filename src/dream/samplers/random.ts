import type { Sampler, SamplerSetup } from './sampler.ts';

/** Uniform over the unit cube: what every other sampler has to beat. */
export function randomSampler({ space, box }: SamplerSetup): Sampler {
  return { name: 'random', propose: (_archive, random) => space.sample(random, box()) };
}
