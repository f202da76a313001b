import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { estimate } from '../../src/phase/evidence.ts';
import { MIN_PARTS, type Place, scoreStatistic } from '../../src/phase/scores.ts';
import { seededRandom } from '../support/context.ts';
import { normal } from './formula.ts';

const SEED = 20261124;

interface Pairs {
  readonly differences: number[];
  readonly places: Place[];
}

/** Pairs of values; `part` runs by twos, as blocks mirror each other. */
function pairsOf(values: readonly (readonly [number, number])[]): Pairs {
  return {
    differences: values.map(([base, value]) => value - base),
    places: values.map(([base, value], i) => ({ level: (base + value) / 2, part: i - (i % 2) })),
  };
}

const value = fc.integer({ min: -50, max: 50 });
const some = fc.array(fc.tuple(value, value), { minLength: 12, maxLength: 40 });

describe('the statistic of the ranks', () => {
  test('turns with all pairs swapped, and no order or unit of the values matters', () => {
    fc.assert(
      fc.property(
        some,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: -9, max: 9 }),
        (all, scale, shift) => {
          const one = pairsOf(all);
          const swapped = pairsOf(all.map(([base, v]) => [v, base] as const));
          const moved = pairsOf(all.map(([base, v]) => [scale * base + shift, scale * v + shift] as const));
          const t = scoreStatistic(one.differences, one.places).at(0);
          expect(scoreStatistic(swapped.differences, swapped.places).at(0)).toBeCloseTo(-t, 6);
          expect(scoreStatistic(moved.differences, moved.places).at(0)).toBeCloseTo(t, 6);
        },
      ),
    );
  });

  test('swapping one pair changes the sign of its share alone, so equal configurations are symmetric', () => {
    const random = seededRandom(SEED);
    const values = Array.from({ length: 8 }, () => [normal(random), normal(random)] as const);
    const all: number[] = [];
    for (let signs = 0; signs < 256; signs++) {
      const { differences, places } = pairsOf(
        values.map(([a, b], i) => ((signs >> i) & 1 ? [b, a] : [a, b])),
      );
      all.push(scoreStatistic(differences, places).at(0));
    }
    const sorted = all.toSorted((a, b) => a - b);
    for (const [i, t] of sorted.entries()) expect(t).toBeCloseTo(-(sorted[255 - i] ?? 0), 9);
  });

  test('grows as the bound falls', () => {
    fc.assert(
      fc.property(some, (all) => {
        const { differences, places } = pairsOf(all);
        const { at } = scoreStatistic(differences, places);
        expect(at(-1000)).toBeGreaterThan(0);
        expect(at(1000)).toBeLessThan(0);
      }),
    );
  });

  test('takes mirrored blocks as one part once there are enough of them', () => {
    const parts = (n: number) => {
      const { differences, places } = pairsOf(Array.from({ length: n }, (_, i) => [i, (i * 7) % n] as const));
      return scoreStatistic(differences, places).parts;
    };
    expect(parts(2 * MIN_PARTS - 2)).toBe(2 * MIN_PARTS - 2);
    expect(parts(2 * MIN_PARTS)).toBe(MIN_PARTS);
  });
});

test('spikes cost the estimate next to nothing', () => {
  const random = seededRandom(SEED);
  const quiet = Array.from(
    { length: 32 },
    () => [0.02 * normal(random), 0.05 + 0.02 * normal(random)] as const,
  );
  const spiky = quiet.map(([base, v], i) => (i % 8 === 0 ? ([base + 3, v] as const) : ([base, v] as const)));
  const [one, other] = [pairsOf(quiet), pairsOf(spiky)];
  const look = { weight: 1 };
  const calm = estimate(one.differences, 0.05, look, one.places);
  const spiked = estimate(other.differences, 0.05, look, other.places);
  expect(Math.abs(spiked.mean - calm.mean)).toBeLessThan(0.015);
  expect(spiked.low).toBeGreaterThan(0);
  // The mean of the differences would have been taken far below zero.
  expect(other.differences.reduce((sum, d) => sum + d, 0)).toBeLessThan(-5);
});

test('whatever is measured, the centre is a number between its limits', () => {
  const coarse = fc.integer({ min: -2, max: 2 });
  const fine = fc.double({ min: -40, max: 40, noNaN: true });
  const many = fc.oneof(
    fc.array(fc.tuple(coarse, coarse), { minLength: 5, maxLength: 40 }),
    fc.array(fc.tuple(fine, fine), { minLength: 5, maxLength: 40 }),
    fc
      .tuple(fine, fine, fc.integer({ min: 12, max: 30 }))
      .map(([a, b, n]) => Array.from({ length: n }, () => [a, b] as const)),
  );
  fc.assert(
    fc.property(many, fc.double({ min: 0.001, max: 0.2, noNaN: true }), (all, level) => {
      const { differences, places } = pairsOf(all);
      const { mean, standardError, low, high } = estimate(differences, level, { weight: 0.5 }, places);
      expect(Number.isFinite(mean)).toBe(true);
      expect(standardError).toBeGreaterThanOrEqual(0);
      expect(low).toBeLessThanOrEqual(mean);
      expect(high).toBeGreaterThanOrEqual(mean);
      expect(mean).toBeGreaterThanOrEqual(Math.min(...differences) - 1e-6);
      expect(mean).toBeLessThanOrEqual(Math.max(...differences) + 1e-6);
    }),
    { numRuns: 300 },
  );
});
