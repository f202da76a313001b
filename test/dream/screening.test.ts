import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prng } from '../../src/dream/prng.ts';
import type { Judged, Metrics } from '../../src/dream/score.ts';
import { blockOrder, judge, type Screened } from '../../src/dream/screening.ts';
import { heldOutSeed, searchSeed } from '../../src/dream/seeds.ts';
import { parseConfig } from '../support/context.ts';

const demo = parseConfig().experiments.demo;
if (!demo) throw new Error('no demo experiment');
const experiment: Judged = demo;
const domains = Object.keys(experiment.domains);
const MIN_GAIN = 0.01;

/** Rounds in which throughput is `level` times exp(noise) in each domain. */
function rounds(count: number, level: number, noise: () => number = () => 0): Map<string, Metrics>[] {
  return Array.from(
    { length: count },
    () => new Map(domains.map((d) => [d, { throughput: level * Math.exp(noise()), p99: 10 }])),
  );
}

const finalist = (measured: Screened['rounds']): Screened => ({
  rounds: measured,
  failure: null,
  given: false,
});

/** Share of screenings with a winner, of `runs` with three finalists that are as good as the baseline times `gain`. */
function winnerRate(runs: number, repeats: number, gain: number, noise: (random: Prng) => number): number {
  let winners = 0;
  for (let seed = 0; seed < runs; seed++) {
    const random = new Prng(seed);
    const draw = (level: number) => rounds(repeats, level, () => noise(random));
    const judgements = judge(
      experiment,
      MIN_GAIN,
      draw(100),
      [1, 2, 3].map(() => finalist(draw(100 * gain))),
    );
    if (judgements.some(({ ok }) => ok)) winners += 1;
  }
  return winners / runs;
}

describe('the judgement of a screening', () => {
  test('has a winner where nothing is better at most in one of twenty, for several kinds of noise', () => {
    const runs = 1500;
    // Three standard errors of a rate of 5 % in 1,500 runs.
    const most = 0.05 + 3 * Math.sqrt((0.05 * 0.95) / runs);
    const kinds: Record<string, (random: Prng) => number> = {
      'normal 5 %': (r) => 0.05 * r.normal(),
      'normal 30 %': (r) => 0.3 * r.normal(),
      'heavy tails': (r) =>
        (0.05 * r.normal()) / Math.sqrt((r.normal() ** 2 + r.normal() ** 2 + r.normal() ** 2) / 3),
      'one-sided spikes': (r) => (r.next() < 0.1 ? -0.5 : 0.01 * r.normal()),
    };
    for (const [kind, noise] of Object.entries(kinds))
      for (const repeats of [2, 3, 5]) {
        const rate = winnerRate(runs, repeats, 1, noise);
        console.info(`false winners, ${kind}, ${repeats} repeats: ${(rate * 100).toFixed(1)} %`);
        expect(rate, `${kind}, ${repeats} repeats`).toBeLessThanOrEqual(most);
      }
  });

  test('gives a noisy subject no credit for the quiet ones beside it', () => {
    const runs = 1000;
    let winners = 0;
    for (let seed = 0; seed < runs; seed++) {
      const random = new Prng(seed);
      const draw = (deviation: number) => finalist(rounds(3, 100, () => deviation * random.normal()));
      const subjects = [draw(0.3), draw(0.01), draw(0.01)];
      if (judge(experiment, MIN_GAIN, draw(0.01).rounds, subjects)[0]?.ok) winners += 1;
    }
    expect(winners / runs).toBeLessThanOrEqual(0.05);
  });

  test('finds a gain that is clear of the noise nearly always', () => {
    expect(winnerRate(300, 3, 1.3, (r) => 0.05 * r.normal())).toBeGreaterThan(0.95);
  });

  test('believes a gain without noise as it is, and shrinks a noisy one', () => {
    const [exact] = judge(experiment, MIN_GAIN, rounds(3, 100), [finalist(rounds(3, 120))]);
    expect(exact).toMatchObject({ ok: true, pairs: 6, standardError: 0 });
    expect(exact?.gain).toBeCloseTo(0.2, 5);
    const random = new Prng(4);
    const [noisy] = judge(experiment, MIN_GAIN, rounds(3, 100), [
      finalist(rounds(3, 120, () => 0.03 * random.normal())),
    ]);
    expect(noisy?.gain).toBeLessThan(noisy?.measured ?? 0);
    expect(noisy?.gain).toBeGreaterThan(0);
  });

  test('takes no winner on a single pair a domain: its noise cannot be told', () => {
    const [only] = judge(experiment, MIN_GAIN, rounds(1, 100), [finalist(rounds(1, 150))]);
    expect(only?.ok).toBe(false);
  });

  test('takes none that failed, and none below the smallest gain', () => {
    const failed = { ...finalist(rounds(3, 200)), failure: 'failed in read: exit: 1' };
    const small = finalist(rounds(3, 100.5));
    const judgements = judge(experiment, MIN_GAIN, rounds(3, 100), [failed, small]);
    expect(judgements.map(({ ok }) => ok)).toEqual([false, false]);
    expect(judgements[0]?.reason).toBe('failed in read: exit: 1');
  });
});

test('the blocks go forwards and backwards in turns, each subject once', () => {
  expect(blockOrder(0, 2)).toEqual([0, 1, 2]);
  expect(blockOrder(1, 2)).toEqual([2, 1, 0]);
  const drift = [0, 1].flatMap((block) =>
    blockOrder(block, 3).map((subject, at) => ({ subject, at: at + 4 * block })),
  );
  const times = [0, 1, 2, 3].map((s) =>
    drift.filter((d) => d.subject === s).reduce((sum, d) => sum + d.at, 0),
  );
  expect(new Set(times).size).toBe(1);
});

test('no seed of a search is ever one of a screening', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.string(), (seed, n, domain) => {
      expect(searchSeed(seed, n, domain) % 2).toBe(0);
      expect(heldOutSeed(seed, n, domain) % 2).toBe(1);
      expect(heldOutSeed(seed, n, domain)).toBeLessThanOrEqual(0xffffffff);
    }),
  );
});
