import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { betting } from '../../src/phase/betting.ts';
import { detectable, estimate, pAbove, shrink } from '../../src/phase/evidence.ts';
import { lookAt, mostLooks } from '../../src/phase/looks.ts';
import type { Place } from '../../src/phase/scores.ts';
import { normalSurvival } from '../../src/statistics/normal.ts';
import { seededRandom } from '../support/context.ts';
import { normal } from './formula.ts';

const SEED = 20261124;
const LOOPS = 1500;

type Noise = (at: number) => number;

/** Machines: each call makes one with its own state; `at` counts the measurements. */
const MACHINES: Record<string, (random: () => number) => Noise> = {
  normal: (random) => () => normal(random),
  'heavy-tailed (t with 2 degrees)': (random) => () =>
    normal(random) / Math.sqrt((normal(random) ** 2 + normal(random) ** 2) / 2 + 1e-12),
  'without a mean (Cauchy)': (random) => () => normal(random) / normal(random),
  skewed: (random) => () => Math.exp(normal(random)),
  coarse: (random) => () => Math.floor(3 * random()),
  drifting: (random) => {
    const slope = normal(random);
    return (at) => normal(random) + slope * at;
  },
  autocorrelated: (random) => {
    let state = normal(random);
    return () => {
      state = 0.6 * state + 0.8 * normal(random);
      return state;
    };
  },
  'strongly autocorrelated': (random) => {
    let state = normal(random);
    return () => {
      state = 0.95 * state + Math.sqrt(1 - 0.95 ** 2) * normal(random);
      return state;
    };
  },
  diurnal: (random) => {
    const phase = 6.28 * random();
    return (at) => normal(random) + 3 * Math.sin(at / 40 + phase);
  },
};

interface Design {
  readonly domains: number;
  readonly slices: number;
  readonly replicas: number;
  readonly alpha: number;
}

/** One race of a candidate that is better by `effect`, in mirrored blocks, looked at after every slice. */
function race(
  d: Design,
  noise: Noise,
  effect: number,
  random: () => number,
): { accepted: boolean; pairs: number } {
  const rounds: number[] = [];
  const places: Place[] = [];
  let at = 0;
  for (let slice = 0; slice < mostLooks(d.slices); slice++) {
    const fresh: number[] = Array.from({ length: d.replicas }, () => 0);
    const middle: number[] = Array.from({ length: d.replicas }, () => 0);
    for (let domain = 0; domain < d.domains; domain++) {
      let baselineFirst = false;
      for (let replica = 0; replica < d.replicas; replica++) {
        baselineFirst = replica % 2 === 0 ? random() < 0.5 : !baselineFirst;
        const [one, two] = [noise(at++), noise(at++)];
        fresh[replica] =
          (fresh[replica] ?? 0) + ((baselineFirst ? two - one : one - two) + effect) / d.domains;
        middle[replica] = (middle[replica] ?? 0) + (one + two + effect) / 2 / d.domains;
      }
    }
    rounds.push(...fresh);
    for (const [i, level] of middle.entries()) places.push({ level, part: slice * d.replicas + i - (i % 2) });
    const look = lookAt(slice, d.slices, d.replicas, d.alpha);
    if (pAbove(rounds, 0, look, places) <= d.alpha) return { accepted: true, pairs: rounds.length };
  }
  return { accepted: false, pairs: rounds.length };
}

function rate(d: Design, machine: string, effect: number, loops: number): { rate: number; pairs: number } {
  const random = seededRandom(SEED);
  let accepted = 0;
  let pairs = 0;
  for (let i = 0; i < loops; i++) {
    const noise = MACHINES[machine]?.(random) ?? (() => 0);
    const result = race(d, noise, effect, random);
    accepted += result.accepted ? 1 : 0;
    pairs += result.pairs;
  }
  return { rate: accepted / loops, pairs: pairs / loops };
}

const DESIGNS: Design[] = [
  { domains: 3, slices: 2, replicas: 3, alpha: 0.025 },
  { domains: 1, slices: 4, replicas: 4, alpha: 0.05 },
];

describe.each(DESIGNS)(
  'a baseline against itself, $domains domains, $slices × $replicas, alpha $alpha',
  (design) => {
    test.each(Object.keys(MACHINES))('is accepted at most that often on a machine that is %s', (machine) => {
      const { rate: observed } = rate(design, machine, 0, LOOPS);
      // Were the true rate alpha, fewer than one run in a thousand would exceed this (normal approximation of the binomial).
      const margin = 3.1 * Math.sqrt((design.alpha * (1 - design.alpha)) / LOOPS);
      process.stdout.write(
        `A/A ${machine}: ${observed.toFixed(4)} of ${LOOPS} (alpha ${design.alpha}, seed ${SEED})\n`,
      );
      expect(observed).toBeLessThanOrEqual(design.alpha + margin);
    });
  },
);

test('the power grows with the effect, and large effects need few pairs', () => {
  const design = { domains: 3, slices: 4, replicas: 4, alpha: 0.05 };
  const table = [0, 0.25, 0.5, 1, 2, 4].map((effect) => ({ effect, ...rate(design, 'normal', effect, 300) }));
  for (const { effect, rate: power, pairs } of table)
    process.stdout.write(`power at ${effect} sd: ${power.toFixed(3)} with ${pairs.toFixed(1)} rounds\n`);
  const power = table.map((row) => row.rate);
  expect(power).toEqual(power.toSorted((a, b) => a - b));
  expect(table.find((row) => row.effect === 1)?.rate).toBeGreaterThan(0.95);
  expect(table.at(-1)).toMatchObject({ rate: 1, pairs: 8 });
});

test('the bets alone hold at every look and spend no more than their quarter', () => {
  const random = seededRandom(SEED);
  const loops = 4000;
  let accepted = 0;
  for (let i = 0; i < loops; i++) {
    const rounds: number[] = [];
    while (rounds.length < 30) {
      rounds.push(normal(random));
      if (pAbove(rounds, 0, { weight: 0 }) > 0.1) continue;
      accepted += 1;
      break;
    }
  }
  process.stdout.write(
    `A/A by bets alone, looked at after each pair: ${accepted} of ${loops} (seed ${SEED})\n`,
  );
  expect(accepted / loops).toBeLessThanOrEqual(0.025 + 3.1 * Math.sqrt((0.025 * 0.975) / loops));
  expect(accepted).toBeGreaterThan(0);
});

test('heavy tails cost power, not correctness', () => {
  const design = { domains: 1, slices: 8, replicas: 4, alpha: 0.05 };
  expect(rate(design, 'without a mean (Cauchy)', 4, 300).rate).toBeGreaterThan(0.7);
});

describe('the looks', () => {
  test('share nothing to those with too few pairs, nor to any after the last', () => {
    for (let slices = 1; slices <= 6; slices++)
      for (const replicas of [1, 2, 3, 4, 7, 20]) {
        const looks = Array.from({ length: mostLooks(slices) + 2 }, (_, i) =>
          lookAt(i, slices, replicas, 0.01),
        );
        for (const kind of ['weight', 'guard'] as const) {
          const shares = looks.map((look) => look[kind]);
          expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
          expect(Math.max(...shares)).toBeLessThanOrEqual(1);
          for (const [i, share] of shares.entries())
            expect(share > 0).toBe(
              i < mostLooks(slices) && ((i + 1) * replicas >= 5 || i === mostLooks(slices) - 1),
            );
        }
      }
  });

  test.each([
    [1, 8],
    [2, 3],
    [4, 4],
    [8, 4],
  ])('of %i × %i together err as often as the level says, on walks of normal steps', (slices, replicas) => {
    const random = seededRandom(SEED);
    const loops = 20_000;
    const looks = Array.from({ length: mostLooks(slices) }, (_, i) => lookAt(i, slices, replicas, 0.01));
    const crossed = { weight: 0, guard: 0 };
    const level = 0.01;
    for (let i = 0; i < loops; i++) {
      let sum = 0;
      let [weight, guard] = [false, false];
      for (const [k, look] of looks.entries()) {
        sum += normal(random);
        const p = normalSurvival(sum / Math.sqrt(k + 1));
        weight ||= p <= look.weight * level;
        guard ||= p <= look.guard * level;
      }
      crossed.weight += weight ? 1 : 0;
      crossed.guard += guard ? 1 : 0;
    }
    const error = 3.3 * Math.sqrt((level * (1 - level)) / loops);
    for (const kind of ['weight', 'guard'] as const)
      expect(Math.abs(crossed[kind] / loops - level)).toBeLessThan(error);
  });

  test('spend the error of a gain later than that of a guardrail', () => {
    const looks = Array.from({ length: mostLooks(4) }, (_, i) => lookAt(i, 4, 4, 0.01));
    expect(looks[1]?.weight).toBeLessThan(looks[1]?.guard ?? 0);
    expect(looks.at(-1)?.weight).toBeGreaterThan(looks.at(-1)?.guard ?? 1);
  });
});

describe('p-values and limits', () => {
  const differences = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 5, maxLength: 30 });
  const look = { weight: 0.5 };

  test('say the same: the lower limit is where the p-value crosses the level', () => {
    fc.assert(
      fc.property(differences, fc.double({ min: 0.005, max: 0.2, noNaN: true }), (d, level) => {
        const { low, mean, high } = estimate(d, level, look);
        expect(low).toBeLessThanOrEqual(mean + 1e-9);
        expect(high).toBeGreaterThanOrEqual(mean - 1e-9);
        if (Number.isFinite(low)) {
          expect(pAbove(d, low - 1e-3, look)).toBeLessThanOrEqual(level * 1.05);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('turn with the sign: what speaks for one speaks against the other', () => {
    fc.assert(
      fc.property(differences, (d) => {
        const turned = d.map((x) => -x);
        const [one, other] = [estimate(d, 0.05, look), estimate(turned, 0.05, look)];
        expect(one.low).toBeCloseTo(-other.high, 9);
        expect(Math.max(pAbove(d, 0, look), pAbove(turned, 0, look))).toBeGreaterThan(0.05);
      }),
    );
  });

  test('fewer than five pairs show nothing, however large', () => {
    expect(pAbove([9, 9, 9, 9], 0, look)).toBe(1);
    expect(estimate([9, 9, 9, 9], 0.05, look)).toMatchObject({ low: Number.NEGATIVE_INFINITY });
    expect(detectable(4, 0.1, 0.05, look)).toBe(Number.POSITIVE_INFINITY);
  });

  test('no difference at all shows nothing', () => {
    expect(
      pAbove(
        Array.from({ length: 50 }, () => 0),
        0,
        look,
      ),
    ).toBe(1);
    expect(betting([0, 0, 0], 0)).toBe(1);
  });

  test('the betting capital is 1 on average over all signs: no one wins against a fair coin', () => {
    const sizes = [0.3, 1, 0.1, 4, 0.7, 2, 1.1, 0.2];
    let sum = 0;
    for (let signs = 0; signs < 256; signs++)
      sum += betting(
        sizes.map((size, i) => ((signs >> i) & 1 ? size : -size)),
        0,
      );
    expect(sum / 256).toBeCloseTo(1, 10);
  });
});

test('an estimate is drawn to zero by its noise, and never beyond', () => {
  expect(shrink(0.1, 0)).toBe(0.1);
  expect(shrink(0.1, 0.05)).toBeCloseTo(0.075, 12);
  expect(shrink(0.1, 0.2)).toBe(0);
  expect(shrink(-0.1, 0.05)).toBeCloseTo(-0.075, 12);
  expect(shrink(0.1, Number.POSITIVE_INFINITY)).toBe(0);
});
