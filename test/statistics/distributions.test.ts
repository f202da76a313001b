import fc from 'fast-check';
import { expect, test } from 'vitest';
import { normalSurvival } from '../../src/statistics/normal.ts';
import { tExceeded, tSurvival } from '../../src/statistics/student.ts';

test('Student’s t agrees with printed tables', () => {
  // Abramowitz and Stegun 1964, table 26.10.
  for (const [p, dof, t] of [
    [0.05, 1, 6.3138],
    [0.05, 2, 2.92],
    [0.025, 3, 3.1824],
    [0.025, 5, 2.5706],
    [0.025, 10, 2.2281],
    [0.005, 7, 3.4995],
    [0.005, 10, 3.1693],
    [0.01, 30, 2.4573],
    [0.0005, 30, 3.646],
  ] as const) {
    expect(tExceeded(p, dof)).toBeCloseTo(t, 3);
    expect(tSurvival(t, dof)).toBeCloseTo(p, 3);
    expect(tSurvival(-t, dof)).toBeCloseTo(1 - p, 3);
  }
});

test('the normal distribution agrees with printed tables', () => {
  // Abramowitz and Stegun 1964, tables 26.1 and 26.2.
  for (const [z, p] of [
    [0, 0.5],
    [1, 0.15865525393145702],
    [2, 0.0227501319481792],
    [3, 0.0013498980316301],
    [4, 3.16712418331199e-5],
    [6, 9.86587645037698e-10],
  ] as const) {
    expect(normalSurvival(z) / p).toBeCloseTo(1, 9);
    expect(normalSurvival(-z)).toBeCloseTo(1 - p, 14);
  }
});

test('a t that is exceeded with a probability is exceeded with that probability', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-9, max: 0.5, noNaN: true }),
      fc.integer({ min: 1, max: 60 }),
      (p, dof) => {
        expect(tSurvival(tExceeded(p, dof), dof) / p).toBeCloseTo(1, 5);
      },
    ),
  );
});

test('with many degrees of freedom Student’s t is normal', () => {
  for (const p of [0.2, 0.05, 0.001]) expect(normalSurvival(tExceeded(p, 10_000)) / p).toBeCloseTo(1, 2);
});
