import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkParams,
  checkValue,
  defaultParams,
  isActive,
  mergeParams,
  type Params,
  showValue,
} from '../../src/config/parameters.ts';
import type { Experiment, Parameter } from '../../src/config/schema.ts';
import { parameterSchema } from '../../src/config/schema.ts';
import { type ExperimentInput, experimentConfig, parseConfig } from '../support/context.ts';

function experimentOf(overrides: Partial<ExperimentInput>): Experiment {
  const { demo } = parseConfig({ experiments: { demo: experimentConfig(overrides) } }).experiments;
  if (demo === undefined) throw new Error('unreachable');
  return demo;
}

const parameter = (input: unknown): Parameter => parameterSchema.parse(input);
const INT = parameter({ type: 'int', low: 1, high: 9, step: 2, default: 1 });
const FLOAT = parameter({ type: 'float', low: 0, high: 1, default: 0.5 });
const STEPS = parameter({ type: 'float', low: 0.1, high: 1, step: 0.1, default: 0.1 });
const CHOICE = parameter({ type: 'ordinal', choices: ['a', 2], default: 'a' });
const FLAG = parameter({ type: 'boolean', default: false });

describe('checkValue fails closed', () => {
  test.each<[string, Parameter, unknown, string]>([
    ['NaN', FLOAT, Number.NaN, 'not-finite'],
    ['infinity', FLOAT, Number.POSITIVE_INFINITY, 'not-finite'],
    ['minus infinity', INT, Number.NEGATIVE_INFINITY, 'not-finite'],
    ['text', FLOAT, '0.5', 'type'],
    ['a boolean for a number', INT, true, 'type'],
    ['null', FLOAT, null, 'type'],
    ['a list', FLOAT, [0.5], 'type'],
    ['a bigint', INT, 3n, 'type'],
    ['nothing', FLOAT, undefined, 'type'],
    ['a boxed number', FLOAT, Object(0.5), 'type'],
    ['a fraction for an int', INT, 2.5, 'type'],
    ['an int beyond 2^53', INT, 2 ** 53, 'type'],
    ['below', INT, -1, 'range'],
    ['above', FLOAT, 1.0000001, 'range'],
    ['off the step', INT, 2, 'step'],
    ['off a step of a float', STEPS, 0.25, 'step'],
    ['another choice', CHOICE, 'b', 'choice'],
    ['a choice of another type', CHOICE, '2', 'choice'],
    ['a number for a boolean', FLAG, 1, 'type'],
    ['text for a boolean', FLAG, 'false', 'type'],
  ])('%s', (_name, p, value, code) => {
    expect(checkValue('x', p, value)).toMatchObject({ name: 'x', code });
  });

  test.each<[Parameter, unknown]>([
    [INT, 1],
    [INT, 9],
    [FLOAT, 0],
    [FLOAT, 1],
    [STEPS, 0.1 + 2 * 0.1],
    [STEPS, 0.1 + 9 * 0.1],
    [CHOICE, 2],
    [FLAG, true],
  ])('but takes what is declared: %#', (p, value) => {
    expect(checkValue('x', p, value)).toBeNull();
  });

  test('a float on its step is taken whatever the magnitudes, and half a step off is not', () => {
    const magnitude = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        magnitude,
        fc.nat(1000),
        (low, step, k) => {
          const p = { ...parameter({ type: 'float', low: 0, high: 1, default: 0 }), low, high: 1e12, step };
          expect(checkValue('x', p, low + k * step)).toBeNull();
          const off = low + (k + 0.5) * step;
          // Where half a step is lost in the rounding of the number itself, there is nothing to tell apart.
          if (Math.abs(low) / step < 1e12) expect(checkValue('x', p, off)).toMatchObject({ code: 'step' });
        },
      ),
    );
  });
});

const CONDITIONAL = experimentOf({
  parameters: {
    mode: { type: 'categorical', choices: ['off', 'on'], default: 'off' },
    level: { type: 'int', low: 1, high: 9, default: 3, when: { mode: ['on'] } },
    detail: { type: 'boolean', default: true, when: { level: [3, 4] } },
  },
});

describe('conditional parameters', () => {
  test('the defaults hold active parameters alone', () => {
    expect(defaultParams(CONDITIONAL)).toEqual({ mode: 'off' });
  });

  test('what becomes active gets its default, and what becomes inactive is left out, through several levels', () => {
    const on = mergeParams(CONDITIONAL, { mode: 'off' }, { mode: 'on' });
    expect(on).toEqual({ mode: 'on', level: 3, detail: true });
    expect(mergeParams(CONDITIONAL, on, { level: 5 })).toEqual({ mode: 'on', level: 5 });
    expect(mergeParams(CONDITIONAL, on, { mode: 'off' })).toEqual({ mode: 'off' });
  });

  test('an inactive parameter that a change names itself is refused, not dropped', () => {
    const merged = mergeParams(CONDITIONAL, { mode: 'off' }, { level: 4 });
    expect(checkParams(CONDITIONAL, merged)).toMatchObject([{ name: 'level', code: 'inactive' }]);
  });

  test('a parameter is inactive beside an inactive one, even when that one has a fitting value', () => {
    expect(isActive(CONDITIONAL, 'detail', { mode: 'off', level: 3 })).toBe(false);
    expect(isActive(CONDITIONAL, 'toString', { mode: 'on' })).toBe(false);
  });
});

describe('checkParams', () => {
  const demo = experimentOf({
    constraints: ['cache < 512 || mode == "fast"'],
    forbidden: ['compress && ratio > 0.9'],
  });
  const sound = defaultParams(demo);

  test('the defaults may be tried', () => {
    expect(checkParams(demo, sound)).toEqual([]);
  });

  test.each<[string, Record<string, unknown>, { name: string; code: string }[]]>([
    ['unknown', { ...sound, cach: 1 }, [{ name: 'cach', code: 'unknown' }]],
    ['missing', { cache: 1, ratio: 0, mode: 'fast' }, [{ name: 'compress', code: 'missing' }]],
    [
      'broken constraint',
      { ...sound, cache: 600 },
      [{ name: 'cache < 512 || mode == "fast"', code: 'constraint' }],
    ],
    [
      'forbidden',
      { ...sound, compress: true, ratio: 1 },
      [{ name: 'compress && ratio > 0.9', code: 'constraint' }],
    ],
    [
      'several at once',
      { cache: 0, ratio: '1', mode: 'fast', compress: null },
      [
        { name: 'cache', code: 'range' },
        { name: 'ratio', code: 'type' },
        { name: 'compress', code: 'type' },
      ],
    ],
  ])('%s', (_name, params, expected) => {
    expect(checkParams(demo, params)).toMatchObject(expected);
    expect(checkParams(demo, params)).toHaveLength(expected.length);
  });

  test.each(['__proto__', 'constructor', 'toString'])(
    'the key %s is an unknown parameter, and pollutes nothing',
    (key) => {
      const params: Params = JSON.parse(
        `{"cache":8,"ratio":0.5,"mode":"slow","compress":false,"${key}":{"polluted":1}}`,
      );
      expect(checkParams(demo, params)).toMatchObject([{ name: key, code: 'unknown' }]);
      expect(checkParams(demo, mergeParams(demo, sound, params))).toMatchObject([
        { name: key, code: 'unknown' },
      ]);
      expect(({} as { polluted?: number }).polluted).toBeUndefined();
    },
  );

  test('inherited values are no values', () => {
    expect(checkParams(demo, Object.create(sound))).toHaveLength(4);
  });
});

test('a value from outside is shown short and without control characters', () => {
  expect(showValue('\u001b[31mred\u202e')).toBe('"\\u001b[31mred\uFFFD"');
  expect(showValue('x'.repeat(1000)).length).toBeLessThanOrEqual(60);
  expect(showValue(Number.NaN)).toBe('NaN');
  expect(showValue(undefined)).toBe('undefined');
  expect(showValue(JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`))).toBe('a list');
});
