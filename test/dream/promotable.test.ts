import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkParams, defaultParams } from '../../src/config/parameters.ts';
import type { Experiment } from '../../src/config/schema.ts';
import { Prng } from '../../src/dream/prng.ts';
import { promotable, searchable } from '../../src/dream/promotable.ts';
import { compileSpace } from '../../src/dream/space.ts';
import { type ExperimentInput, experimentConfig, parseConfig } from '../support/context.ts';

function experiment(
  parameters: ExperimentInput['parameters'],
  rest: Partial<ExperimentInput> = {},
): Experiment {
  const parsed = parseConfig({ experiments: { demo: experimentConfig({ parameters, ...rest }) } }).experiments
    .demo;
  if (!parsed) throw new Error('no demo experiment');
  return parsed;
}

const everything = experiment(
  {
    mode: { type: 'categorical', choices: ['a', 'b'], default: 'a' },
    size: { type: 'int', low: 0, high: 100, step: 5, default: 20, max_step: 0.12 },
    ratio: { type: 'float', low: 0, high: 1, default: 0.5, max_step: 0.2 },
    free: { type: 'float', low: 0, high: 1, default: 0.5, max_step: 0.1, autonomy: 'guarded' },
    level: { type: 'ordinal', choices: ['low', 'mid', 'high', 'top'], default: 'low', max_step: 0.34 },
    wide: { type: 'int', low: 1, high: 1024, log: true, default: 8, max_step: 0.2 },
    watched: { type: 'int', low: 0, high: 9, default: 4, autonomy: 'observe' },
    fixed: { type: 'boolean', default: true, autonomy: 'off' },
    depth: { type: 'int', low: 1, high: 8, default: 2, when: { mode: ['b'] } },
  },
  { constraints: ['size <= 60 || ratio < 0.65'] },
);
const base = defaultParams(everything);

describe('what may be promoted', () => {
  test('is always valid, within the steps allowed, and leaves observed and fixed parameters alone', () => {
    const space = compileSpace(searchable(everything, base));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        const found = space.sample(new Prng(seed)).params;
        expect(found.fixed).toBe(true);
        const params = promotable(everything, base, found);
        if (params === null) return;
        expect(checkParams(everything, params)).toEqual([]);
        expect(params).toMatchObject({ watched: 4, fixed: true, free: found.free });
        expect(Math.abs(Number(params.size) - 20)).toBeLessThanOrEqual(10);
        expect(Math.abs(Number(params.ratio) - 0.5)).toBeLessThanOrEqual(0.2 + 1e-12);
        expect([2, 32].map((bound) => Number(params.wide) >= bound)).toEqual([true, params.wide === 32]);
        expect(['low', 'mid']).toContain(params.level);
        expect(Object.hasOwn(params, 'depth')).toBe(params.mode === 'b');
      }),
    );
  });

  test('is nothing when only observed parameters differ', () => {
    expect(promotable(everything, base, { ...base, watched: 9 })).toBeNull();
  });

  test('goes as far as a step allows in the direction found', () => {
    expect(promotable(everything, base, { ...base, size: 100 })).toMatchObject({ size: 30 });
    expect(promotable(everything, base, { ...base, size: 0 })).toMatchObject({ size: 10 });
    expect(promotable(everything, base, { ...base, level: 'top' })).toMatchObject({ level: 'mid' });
  });
});
