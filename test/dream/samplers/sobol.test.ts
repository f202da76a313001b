import { expect, it } from 'vitest';
import { Prng } from '../../../src/dream/prng.ts';
import { SobolSequence } from '../../../src/dream/samplers/sobol.ts';

const DIMENSIONS = 45;

it('every dimension of the first 64 points has one point in each 64th, beyond the table of directions too', () => {
  for (const seed of [1, 2, 3]) {
    const sequence = new SobolSequence(DIMENSIONS, new Prng(seed));
    const points = Array.from({ length: 64 }, (_, i) => sequence.at(i));
    for (let d = 0; d < DIMENSIONS; d++) {
      const cells = new Set(points.map((p) => Math.floor((p[d] ?? 0) * 64)));
      expect([seed, d, cells.size]).toEqual([seed, d, 64]);
    }
  }
});

it('the first two dimensions fill every cell of an 8 by 8 grid with 64 points', () => {
  const sequence = new SobolSequence(2, new Prng(4));
  const cells = Array.from({ length: 64 }, (_, i) =>
    Array.from(sequence.at(i), (u) => Math.floor(u * 8)).join(),
  );
  expect(new Set(cells).size).toBe(64);
});

it('another seed gives other points', () => {
  const at = (seed: number) => new SobolSequence(3, new Prng(seed)).at(0);
  expect(at(1)).not.toEqual(at(2));
});
