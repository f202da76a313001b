import { describe, expect, test } from 'vitest';
import type { EpochPlan, EpochTrial } from '../../src/phase/epoch-store.ts';
import { type PlannedBlock, type PlannedTrial, planSlice } from '../../src/phase/plan.ts';
import { Race } from '../../src/phase/race.ts';
import { experimentConfig, parseConfig, seededRandom } from '../support/context.ts';
import { BASE, normal, request } from './formula.ts';

const { experiments } = parseConfig({
  experiments: { demo: experimentConfig({ domains: { read: {}, write: {} }, guardrails: [] }) },
});

function planOf(names: readonly string[], over: Partial<EpochPlan['settings']> = {}): EpochPlan {
  const candidates = names.map((promotionId) => ({
    promotionId,
    experiment: 'demo',
    params: BASE,
    searchScore: null,
  }));
  return {
    request: request({ candidates }),
    settings: { slices: 2, replicas: 4, warmup: 1, calibration: 0.5, seed: 3, ...over },
    alpha: 0.05,
    minGain: 0.01,
    durationMs: 3_600_000,
    environment: {},
    judged: {},
    postponed: [],
  };
}

type Machine = (trial: PlannedTrial, block: PlannedBlock) => number | null;

/** Runs a race on a machine that answers with a throughput, or null for a failed trial. */
function run(plan: EpochPlan, machine: Machine): { race: Race; slices: string[][] } {
  const race = new Race(plan, experiments);
  const slices: string[][] = [];
  let number = 0;
  for (let next = race.next(); next !== null; next = race.next()) {
    slices.push(next.entrants.flatMap((e) => e.candidates));
    for (const block of planSlice(plan.settings, next.entrants, next.slice)) {
      const trials = block.trials.map((planned): EpochTrial => {
        const throughput = machine(planned, block);
        return {
          ...planned,
          number: number++,
          experiment: block.experiment,
          domain: block.domain,
          round: block.round,
          params: BASE,
          state: throughput === null ? 'failed' : 'completed',
          reason: throughput === null ? 'exit 1' : null,
          metrics: throughput === null ? {} : { throughput },
          outputTail: '',
          startedAt: 0,
          durationMs: 1,
        };
      });
      race.add(block, trials);
    }
    race.look();
  }
  return { race, slices };
}

function noisy(seed: number, speed: (trial: PlannedTrial) => number, noise = 0.02): Machine {
  const random = seededRandom(seed);
  return (trial) => 1000 * speed(trial) * Math.exp(noise * normal(random));
}

const verdicts = (race: Race) => Object.fromEntries(race.verdicts().map((v) => [v.promotionId, v.verdict]));

describe('the race', () => {
  test('lets the decided leave, and goes on beyond the plan only with those that look better', () => {
    const speed: Record<string, number> = { fast: 2, slow: 0.5, level: 0.99, close: 1.02 };
    const { race, slices } = run(
      planOf(['fast', 'slow', 'level', 'close'], { replicas: 6 }),
      noisy(5, (t) => speed[t.subject] ?? 1, 0.03),
    );
    expect(slices[0]).toEqual(['fast', 'slow', 'level', 'close']);
    expect(slices[1]).toEqual(['level', 'close']);
    for (const extra of slices.slice(2)) expect(extra).toEqual(['close']);
    expect(slices.length).toBeLessThanOrEqual(4);
    expect(verdicts(race)).toMatchObject({ fast: 'accept', slow: 'reject' });
  });

  test('an accepted candidate leaves its share of the error to those still open (Holm)', () => {
    let better = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const machine = () =>
        noisy(seed, (t) => (t.subject === 'other' ? 3 : t.subject === 'weak' ? 1.015 : 1));
      const p = (names: string[]) => {
        const { race } = run(planOf(names, { slices: 1, replicas: 6 }), machine());
        return race.verdicts().find((v) => v.promotionId === 'weak');
      };
      const beside = p(['weak', 'other']);
      // Never above the level that is left once the other one is accepted, and at times above the first share.
      if (beside?.verdict === 'accept') expect(beside.pValue).toBeLessThanOrEqual(0.05);
      if (beside?.verdict === 'accept' && beside.pValue > 0.025) better += 1;
    }
    expect(better).toBeGreaterThan(0);
  });

  test('the first to be accepted has all candidates against it, the next one fewer', () => {
    const names = ['a', 'b', 'c', 'd'];
    let seen = 0;
    for (let seed = 1; seed <= 80; seed++) {
      const { race } = run(
        planOf(names, { replicas: 6 }),
        noisy(seed, (t) => (t.subject === 'baseline' ? 1 : 1.012)),
      );
      const accepted = race.verdicts().filter((v) => v.verdict === 'accept');
      const ps = accepted.map((v) => v.pValue).toSorted((a, b) => a - b);
      for (const [i, p] of ps.entries()) expect(p).toBeLessThanOrEqual(0.05 / (names.length - i) + 1e-12);
      seen += ps.length;
    }
    expect(seen).toBeGreaterThan(20);
  });

  test('accepts nothing beside a baseline that differs from itself', () => {
    const honest = noisy(7, (t) => (t.subject === 'p' ? 2 : 1));
    const biased = noisy(7, (t) => (t.subject === 'p' ? 2 : t.role === 'calibration' ? 1.5 : 1));
    expect(verdicts(run(planOf(['p']), honest).race)).toEqual({ p: 'accept' });
    const { race } = run(planOf(['p', 'q']), biased);
    expect(race.calibrations()).toMatchObject([{ experiment: 'demo', falsePositive: true }]);
    expect(race.verdicts()[0]).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('differed from itself'),
    });
  });

  test('publishes the noise of the baseline and the gain that it lets be seen', () => {
    const quiet = run(
      planOf(['p']),
      noisy(9, () => 1, 0.01),
    ).race.calibrations()[0];
    const loud = run(
      planOf(['p']),
      noisy(9, () => 1, 0.1),
    ).race.calibrations()[0];
    expect(quiet?.pairs).toBeGreaterThanOrEqual(8);
    expect(quiet?.spread).toBeGreaterThan(0.007);
    expect(quiet?.spread).toBeLessThan(0.03);
    expect(loud?.detectable).toBeGreaterThan(5 * (quiet?.detectable ?? 1));
    expect(quiet?.falsePositive).toBe(false);
  });

  test('an experiment whose baseline fails from the start is out, with its candidates in error', () => {
    const { race, slices } = run(planOf(['p']), () => null);
    expect(race.broken.get('demo')).toContain('cannot be measured');
    expect(slices.length).toBe(1);
    expect(race.verdicts()).toMatchObject([{ verdict: 'error', gain: 0 }]);
  });

  test('single failures of the baseline later on cost their pairs alone', () => {
    let count = 0;
    const steady = noisy(11, (t) => (t.subject === 'p' ? 2 : 1));
    const { race } = run(planOf(['p']), (trial, block) =>
      trial.role === 'baseline' && ++count % 7 === 0 ? null : steady(trial, block),
    );
    expect(race.broken.size).toBe(0);
    expect(verdicts(race)).toEqual({ p: 'accept' });
  });

  test('goes the same way again on the same measurements', () => {
    const once = () =>
      run(
        planOf(['a', 'b', 'c']),
        noisy(13, (t) => (t.subject === 'a' ? 1.03 : 1)),
      );
    const [one, two] = [once(), once()];
    expect(two.slices).toEqual(one.slices);
    expect(two.race.verdicts()).toEqual(one.race.verdicts());
    expect(two.race.standings).toEqual(one.race.standings);
  });
});
