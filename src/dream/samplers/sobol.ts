/**
 * A Sobol sequence (directions: Joe & Kuo, 2008) with Owen's nested uniform scrambling (Owen, 1998), hashed
 * (Laine & Karras, 2011; Burley, 2020). Dimensions beyond the table reuse it under another order of the points, as
 * Burley pads.
 */
import type { Archive } from '../archive.ts';
import type { Prng } from '../prng.ts';
import type { Point } from '../space.ts';
import type { Sampler, SamplerSetup } from './sampler.ts';

/** Per dimension after the first: the polynomial's coefficients, and the initial direction numbers. */
const DIRECTIONS: readonly (readonly [coefficients: number, initial: readonly number[]])[] = [
  [0, [1]],
  [1, [1, 3]],
  [1, [1, 3, 1]],
  [2, [1, 1, 1]],
  [1, [1, 1, 3, 3]],
  [4, [1, 3, 5, 13]],
  [2, [1, 1, 5, 5, 17]],
  [4, [1, 1, 5, 5, 5]],
  [7, [1, 1, 7, 11, 19]],
  [11, [1, 1, 5, 1, 1]],
  [13, [1, 1, 1, 3, 11]],
  [14, [1, 3, 5, 5, 31]],
  [1, [1, 3, 3, 9, 7, 49]],
  [13, [1, 1, 1, 15, 21, 21]],
  [16, [1, 3, 1, 13, 27, 49]],
  [19, [1, 1, 1, 15, 7, 5]],
  [22, [1, 3, 1, 15, 13, 25]],
  [25, [1, 1, 5, 5, 19, 61]],
  [1, [1, 3, 7, 11, 23, 15, 103]],
  [4, [1, 3, 7, 13, 13, 15, 69]],
];

let matrices: Uint32Array[] | null = null;

function directionMatrices(): Uint32Array[] {
  matrices ??= [
    Uint32Array.from({ length: 32 }, (_, i) => 2 ** (31 - i)),
    ...DIRECTIONS.map(directionMatrix),
  ];
  return matrices;
}

function directionMatrix([coefficients, initial]: (typeof DIRECTIONS)[number]): Uint32Array {
  const degree = initial.length;
  const v = new Uint32Array(32);
  for (let i = 0; i < 32; i++) {
    if (i < degree) {
      v[i] = (initial[i] ?? 1) << (31 - i);
      continue;
    }
    const before = v[i - degree] ?? 0;
    let next = before ^ (before >>> degree);
    for (let k = 1; k < degree; k++) if ((coefficients >>> (degree - 1 - k)) & 1) next ^= v[i - k] ?? 0;
    v[i] = next;
  }
  return v;
}

function reverseBits(x: number): number {
  let r = x;
  r = ((r >>> 1) & 0x55555555) | ((r & 0x55555555) << 1);
  r = ((r >>> 2) & 0x33333333) | ((r & 0x33333333) << 2);
  r = ((r >>> 4) & 0x0f0f0f0f) | ((r & 0x0f0f0f0f) << 4);
  r = ((r >>> 8) & 0x00ff00ff) | ((r & 0x00ff00ff) << 8);
  return ((r >>> 16) | (r << 16)) >>> 0;
}

/** Each bit flipped depending on the bits above it and the seed. */
function scramble(x: number, seed: number): number {
  let r = (reverseBits(x) + seed) | 0;
  r ^= Math.imul(r, 0x6c50b47c);
  r ^= Math.imul(r, 0xb82f1e52);
  r ^= Math.imul(r, 0xc7afe638);
  r ^= Math.imul(r, 0x8d22f6e6);
  return reverseBits(r);
}

/** The points of one scrambled sequence. */
export class SobolSequence {
  readonly #seeds: Uint32Array;

  constructor(dimensions: number, random: Prng) {
    this.#seeds = Uint32Array.from({ length: 2 * dimensions }, () => random.next() * 2 ** 32);
  }

  /** Coordinates in [0, 1) of the point with this index. */
  at(index: number): Float64Array {
    const table = directionMatrices();
    const n = this.#seeds.length / 2;
    const unit = new Float64Array(n);
    for (let d = 0; d < n; d++) {
      const block = Math.floor(d / table.length);
      const order = block === 0 ? index : scramble(index, this.#seeds[n + block] ?? 0);
      const directions = table[d % table.length];
      let x = 0;
      for (let bit = 0; order >>> bit !== 0 && bit < 32; bit++)
        if ((order >>> bit) & 1) x ^= directions?.[bit] ?? 0;
      unit[d] = scramble(x >>> 0, this.#seeds[d] ?? 0) / 4294967296;
    }
    return unit;
  }
}

/** Suggests the points of a scrambled Sobol sequence, in the box while there is one. */
export function sobolSampler({ space, random, box }: SamplerSetup): Sampler {
  const sequence = new SobolSequence(space.dimensions.length, random);
  let next = 0;
  return {
    name: 'sobol',
    propose(archive: Archive, stream: Prng): Point {
      const bounds = box();
      for (let attempt = 0; ; attempt++) {
        const unit = sequence.at(next++);
        if (bounds !== undefined)
          unit.forEach((u, i) => {
            const low = bounds.low[i] ?? 0;
            unit[i] = low + u * ((bounds.high[i] ?? 1) - low);
          });
        const point = space.repair(unit, stream);
        if (attempt >= 10 || archive.count(point.key) === 0) return point;
      }
    },
  };
}
