import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Judged, logGain, relativeGain, scoreAgainst } from '../../src/dream/score.ts';
import { parseConfig } from '../support/context.ts';

const direction = fc.constantFrom('minimize' as const, 'maximize' as const);
const sizes = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
const anything = fc.double({ min: -1e6, max: 1e6, noNaN: true });

function judged(overrides: Partial<Judged> = {}): Judged {
  const demo = parseConfig().experiments.demo;
  if (!demo) throw new Error('no demo experiment');
  return { ...demo, ...overrides };
}

describe('the gain of a value over a base', () => {
  test('is the log-ratio for positive numbers of like size', () => {
    fc.assert(
      fc.property(sizes, fc.double({ min: 0.1, max: 10, noNaN: true }), (base, factor) => {
        expect(logGain(base * factor, base, 'maximize')).toBeCloseTo(Math.log(factor), 4);
        expect(logGain(base * factor, base, 'minimize')).toBeCloseTo(-Math.log(factor), 4);
      }),
    );
  });

  test('never falls when the value gets better, through zero and below, and is 0 at the base', () => {
    fc.assert(
      fc.property(anything, anything, anything, direction, (base, a, b, way) => {
        const [worse, better] = (way === 'maximize') === a < b ? [a, b] : [b, a];
        expect(logGain(better, base, way)).toBeGreaterThanOrEqual(logGain(worse, base, way));
        expect(logGain(base, base, way) + 0).toBe(0);
      }),
    );
  });

  test('reads as a share of the baseline in the direction of the metric', () => {
    expect(relativeGain(logGain(110, 100, 'maximize'), 'maximize')).toBeCloseTo(0.1, 5);
    expect(relativeGain(logGain(90, 100, 'minimize'), 'minimize')).toBeCloseTo(0.1, 5);
    expect(relativeGain(logGain(110, 100, 'minimize'), 'minimize')).toBeCloseTo(-0.1, 5);
    expect(relativeGain(logGain(-90, -100, 'maximize'), 'maximize')).toBeCloseTo(0.11, 2);
  });
});

describe('a guardrail', () => {
  const base = new Map([['read', { throughput: 100, p99: 10, errors: 0, hits: 50 }]]);
  const broken = (guardrails: Judged['guardrails'], metrics: Record<string, number>) =>
    scoreAgainst(judged({ guardrails }), base, new Map([['read', { throughput: 100, ...metrics }]]))
      .violation > 0;

  test('allows the regression it names and no more, in both directions', () => {
    const p99 = [{ metric: 'p99', direction: 'minimize' as const, max_regression: 0.1 }];
    expect(broken(p99, { p99: 11 })).toBe(false);
    expect(broken(p99, { p99: 11.01 })).toBe(true);
    expect(broken(p99, { p99: 5 })).toBe(false);
    const hits = [{ metric: 'hits', direction: 'maximize' as const, max_regression: 0.1 }];
    expect(broken(hits, { hits: 45 })).toBe(false);
    expect(broken(hits, { hits: 44.9 })).toBe(true);
  });

  test('of a baseline of zero allows zero only', () => {
    const errors = [{ metric: 'errors', direction: 'minimize' as const, max_regression: 0.5 }];
    expect(broken(errors, { errors: 0 })).toBe(false);
    expect(broken(errors, { errors: 0.001 })).toBe(true);
  });

  test('with an absolute limit holds it whatever the baseline does; of two bounds the stricter counts', () => {
    const limit = [{ metric: 'p99', direction: 'minimize' as const, limit: 9 }];
    expect(broken(limit, { p99: 9 })).toBe(false);
    expect(broken(limit, { p99: 9.5 })).toBe(true);
    const both = [{ metric: 'p99', direction: 'minimize' as const, limit: 100, max_regression: 0.1 }];
    expect(broken(both, { p99: 50 })).toBe(true);
  });

  test('is broken by more the worse the value is', () => {
    const guardrails = [{ metric: 'p99', direction: 'minimize' as const, max_regression: 0.1 }];
    const violation = (p99: number) =>
      scoreAgainst(judged({ guardrails }), base, new Map([['read', { throughput: 1, p99 }]])).violation;
    expect(violation(20)).toBeGreaterThan(violation(12));
  });
});

test('a missing metric has no score that could be taken for a good one', () => {
  const base = new Map([['read', { throughput: 100, p99: 10 }]]);
  const score = scoreAgainst(judged(), base, new Map([['read', { p99: 10 }]]));
  expect(score.fitness).toBeNaN();
});

test('the mean over the domains follows their weights', () => {
  const experiment = judged({
    guardrails: [],
    domains: { a: { weight: 3, args: {} }, b: { weight: 1, args: {} } },
  });
  const metrics = (x: number) => ({ throughput: x, p99: 1 });
  const base = new Map([
    ['a', metrics(1)],
    ['b', metrics(1)],
  ]);
  const measured = new Map([
    ['a', metrics(Math.E)],
    ['b', metrics(1 / Math.E)],
  ]);
  expect(scoreAgainst(experiment, base, measured).fitness).toBeCloseTo(0.5, 5);
});
