import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Entrant,
  fitCandidates,
  type PlanSettings,
  planSlice,
  sliceTrials,
  smallestMs,
} from '../../src/phase/plan.ts';

const settings = fc.record({
  slices: fc.integer({ min: 1, max: 6 }),
  replicas: fc.integer({ min: 1, max: 8 }),
  warmup: fc.integer({ min: 0, max: 2 }),
  calibration: fc.double({ min: 0, max: 0.5, noNaN: true }),
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
});
const entrants = fc.constantFrom<Entrant[][]>(
  [{ experiment: 'e', domains: ['read'], candidates: ['a'] }],
  [{ experiment: 'e', domains: ['read', 'write', 'mixed'], candidates: ['a', 'b', 'c'] }],
  [
    { experiment: 'e', domains: ['read', 'write'], candidates: ['a', 'b'] },
    { experiment: 'f', domains: ['x'], candidates: [] },
  ],
);
const slice = fc.integer({ min: 0, max: 12 });
const S: PlanSettings = { slices: 4, replicas: 4, warmup: 1, calibration: 0.1, seed: 7 };
const ONE: Entrant[] = [{ experiment: 'e', domains: ['read', 'write'], candidates: ['a', 'b'] }];

describe('a slice', () => {
  test('measures each configuration once in each of the replicas’ blocks, in every domain', () => {
    fc.assert(
      fc.property(settings, entrants, slice, (s, who, n) => {
        const blocks = planSlice(s, who, n);
        for (const { experiment, domains, candidates } of who)
          for (const domain of domains) {
            const mine = blocks.filter(
              (b) => b.experiment === experiment && b.domain === domain && b.round >= 0,
            );
            expect(mine.map((b) => b.round)).toEqual(
              Array.from({ length: s.replicas }, (_, i) => n * s.replicas + i),
            );
            for (const { trials } of mine) {
              const measured = trials.filter((t) => t.role !== 'calibration').map((t) => t.subject);
              expect(measured.toSorted()).toEqual(['baseline', ...candidates].toSorted());
              expect(new Set(trials.map((t) => t.seed)).size).toBe(1);
            }
          }
        expect(blocks.reduce((sum, b) => sum + b.trials.length, 0)).toBe(sliceTrials(s, who));
      }),
    );
  });

  test('runs its blocks in mirrored pairs: A B, B A', () => {
    fc.assert(
      fc.property(settings, entrants, slice, (s, who, n) => {
        const order = (b: { trials: readonly { role: string; subject: string }[] }) =>
          b.trials.filter((t) => t.role !== 'calibration').map((t) => t.subject);
        const blocks = planSlice({ ...s, calibration: 0 }, who, n).filter((b) => b.round >= 0);
        for (const [i, block] of blocks.entries()) {
          const inDomain = block.round - n * s.replicas;
          if (inDomain % 2 === 1) expect(order(block)).toEqual(order(blocks[i - 1] ?? block).toReversed());
        }
      }),
    );
  });

  test('starts each domain with its warm-ups, of the baseline alone', () => {
    const blocks = planSlice({ ...S, warmup: 2 }, ONE, 0);
    for (const domain of ['read', 'write']) {
      const [first, ...others] = blocks.filter((b) => b.domain === domain);
      expect(first?.trials.map((t) => [t.role, t.subject])).toEqual([
        ['warmup', 'baseline'],
        ['warmup', 'baseline'],
      ]);
      expect(others.flatMap((b) => b.trials).some((t) => t.role === 'warmup')).toBe(false);
    }
  });

  test('follows from the seed alone, and another seed gives another order', () => {
    expect(planSlice(S, ONE, 3)).toEqual(planSlice(S, ONE, 3));
    expect(planSlice(S, ONE, 3)).not.toEqual(planSlice({ ...S, seed: 8 }, ONE, 3));
    expect(planSlice(S, ONE, 3).map((b) => b.trials)).not.toEqual(planSlice(S, ONE, 2).map((b) => b.trials));
  });

  test('keeps its blocks’ seeds when another candidate leaves', () => {
    const seeds = (who: Entrant[]) =>
      new Map(planSlice(S, who, 1).map((b) => [`${b.domain} ${b.round}`, b.trials[0]?.seed]));
    expect(seeds([{ ...(ONE[0] as Entrant), candidates: ['b'] }])).toEqual(seeds(ONE));
  });

  test('draws every order equally often, and starts with each configuration equally often', () => {
    const first = new Map<string, number>();
    for (let seed = 0; seed < 600; seed++)
      for (const block of planSlice({ ...S, replicas: 1, warmup: 0, calibration: 0, seed }, ONE, 0)) {
        const order = block.trials.map((t) => t.subject).join(' ');
        first.set(order, (first.get(order) ?? 0) + 1);
      }
    expect(first.size).toBe(6);
    // 1,200 draws of 6 orders: 200 each, with a standard deviation of 13.
    for (const count of first.values()) expect(Math.abs(count - 200)).toBeLessThan(4.5 * 13);
  });

  test('gives the calibration its share of the blocks, in which the baseline is measured twice', () => {
    fc.assert(
      fc.property(settings, slice, (s, n) => {
        const blocks = planSlice(s, ONE, n).filter((b) => b.round >= 0);
        const calibrating = blocks.filter((b) => b.trials.some((t) => t.role === 'calibration'));
        expect(calibrating.length).toBe(Math.ceil(blocks.length * s.calibration));
        for (const { trials } of calibrating)
          expect(trials.filter((t) => t.subject === 'baseline').length).toBe(2);
      }),
    );
  });

  test('draws odd seeds: those of the search are even', () => {
    for (const block of planSlice(S, ONE, 0)) for (const { seed } of block.trials) expect(seed % 2).toBe(1);
  });
});

describe('what fits into the time', () => {
  const candidates = ['a', 'b', 'c'].map((promotionId) => ({ promotionId, experiment: 'e' }));
  const entrantsOf = (c: readonly { promotionId: string }[]) => [
    { experiment: 'e', domains: ['read', 'write'], candidates: c.map((x) => x.promotionId) },
  ];
  const second = () => 1000;

  test('is what the smallest plan takes that can accept anything', () => {
    // Two slices of four blocks: (1 warm-up + 4 × 2) × 2 domains + 1 calibration.
    expect(smallestMs(S, entrantsOf(candidates.slice(0, 1)), second)).toBe(2 * 19 * 1000);
  });

  test('is as many candidates as there is time for, best first, and none when there is too little', () => {
    const names = (ms: number) =>
      fitCandidates(S, candidates, entrantsOf, second, ms).map((c) => c.promotionId);
    expect(names(1e9)).toEqual(['a', 'b', 'c']);
    expect(names(60_000)).toEqual(['a', 'b']);
    expect(names(38_000)).toEqual(['a']);
    expect(names(37_999)).toEqual([]);
  });

  test('is all of them while nothing is known of the trials', () => {
    expect(fitCandidates(S, candidates, entrantsOf, () => null, 1)).toEqual(candidates);
  });
});
