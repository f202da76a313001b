import { describe, expect, test } from 'vitest';
import { parameterSchema } from '../../src/config/schema/parameter.ts';
import type { Parameter } from '../../src/config/schema.ts';
import { flapsBackTo, overLimits } from '../../src/escrow/history.ts';
import type { Demotion, PastVersion } from '../../src/escrow/types.ts';

const HOUR = 3_600_000;
const NOW = 1000 * HOUR;

const float = (extra: object = {}): Parameter =>
  parameterSchema.parse({ type: 'float', low: 0, high: 10, default: 0, ...extra });
const choice = parameterSchema.parse({ type: 'categorical', choices: ['a', 'b', 'c'], default: 'a' });

/** Versions with these values of x, an hour apart, the last one an hour ago. */
const versions = (values: readonly (number | string)[], kinds: Record<number, PastVersion['kind']> = {}) =>
  values.map((x, i): PastVersion => {
    const kind = kinds[i] ?? (i === 0 ? 'initial' : 'promotion');
    return { version: i, ts: NOW - (values.length - i) * HOUR, kind, params: { x } };
  });

describe('steps add up', () => {
  const daily = float({ max_step_day: 0.5 });

  test('a step goes alone while the day’s sum stays within its limit, and not beyond', () => {
    expect(overLimits(daily, 'x', 0.2, versions([0, 1, 3]), NOW)).toEqual([]);
    expect(overLimits(daily, 'x', 0.3, versions([0, 1, 3]), NOW)).toEqual([
      'the steps of x within a day, 60 % of its range, are beyond 50 %',
    ]);
  });

  test('there and back counts twice; a roll-back does not count', () => {
    expect(overLimits(daily, 'x', 0.2, versions([0, 3, 1]), NOW)).toHaveLength(1);
    expect(overLimits(daily, 'x', 0.2, versions([0, 3, 0], { 2: 'rollback' }), NOW)).toEqual([]);
  });

  test('what is older than the day counts for the week alone', () => {
    const old = versions([0, 4]).map((v) => ({ ...v, ts: v.ts - 25 * HOUR }));
    expect(overLimits(daily, 'x', 0.2, old, NOW)).toEqual([]);
    expect(overLimits(float({ max_step_week: 0.5 }), 'x', 0.2, old, NOW)).toHaveLength(1);
    const older = old.map((v) => ({ ...v, ts: v.ts - 7 * 24 * HOUR }));
    expect(overLimits(float({ max_step_week: 0.5 }), 'x', 0.2, older, NOW)).toEqual([]);
  });

  test('a clock that was set back forgets no step', () => {
    expect(overLimits(daily, 'x', 0.2, versions([0, 4]), NOW - 500 * HOUR)).toHaveLength(1);
  });

  test('without limits nothing is too much', () => {
    expect(overLimits(float(), 'x', 1, versions([0, 9, 0, 9]), NOW)).toEqual([]);
  });
});

describe('a parameter flaps', () => {
  const flaps = (
    parameter: Parameter,
    to: number | string,
    past: readonly PastVersion[],
    within = 6,
    demotion?: Demotion,
  ) => flapsBackTo(parameter, 'x', to, past, within, demotion);

  test('when it goes back to a value that was in force before another one', () => {
    expect(flaps(choice, 'a', versions(['a', 'b']))).toBe(0);
    expect(flaps(choice, 'a', versions(['c', 'a', 'b', 'c']))).toBe(1);
    expect(flaps(choice, 'c', versions(['a', 'b']))).toBeNull();
    expect(flaps(choice, 'b', versions(['a', 'b']))).toBeNull();
  });

  test('for a number, when it comes close to it', () => {
    expect(flaps(float(), 2.1, versions([2, 5]))).toBe(0);
    expect(flaps(float(), 2.5, versions([2, 5]))).toBeNull();
    expect(flaps(float(), 5.1, versions([2, 5]))).toBeNull();
  });

  test('when what was taken back comes again', () => {
    expect(flaps(choice, 'b', versions(['a', 'b', 'a'], { 2: 'rollback' }))).toBe(1);
  });

  test('within so many versions only, and never with 0', () => {
    expect(flaps(choice, 'a', versions(['a', 'b', 'c']), 1)).toBeNull();
    expect(flaps(choice, 'a', versions(['a', 'b', 'c']), 2)).toBe(0);
    expect(flaps(choice, 'a', versions(['a', 'b']), 0)).toBeNull();
  });

  test('counted anew after a person raised it', () => {
    const raised = { level: 'auto', version: null, ts: NOW } as Demotion;
    expect(flaps(choice, 'a', versions(['a', 'b']), 6, raised)).toBeNull();
    expect(flaps(choice, 'a', versions(['a', 'b']), 6, { ...raised, level: 'guarded', version: 3 })).toBe(0);
  });
});
