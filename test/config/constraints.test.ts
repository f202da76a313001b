import { describe, expect, test } from 'vitest';
import {
  clausesOf,
  compileClause,
  compileExpression,
  ESCROW_VARIABLES,
  type Variables,
} from '../../src/config/constraints.ts';
import { parameterSchema } from '../../src/config/schema.ts';

const VARIABLES: Variables = { i: 'int', d: 'double', s: 'string', b: 'bool', x: 'dyn' };
const VALUES = { i: 6, d: 0.5, s: 'wal', b: true, x: 2.5 };

describe('numbers compare and combine without surprise', () => {
  test.each<[string, boolean]>([
    ['i == 6', true],
    ['i < 6.5', true],
    ['i == 6.0', true],
    ['i != 6.0', false],
    ['6.0 == i', true],
    ['d < 1', true],
    ['d == 1', false],
    ['d != 1', true],
    ['1 == d', false],
    ['d * 2 == 1', true],
    ['2 * d == 1', true],
    ['i * d == 3', true],
    ['i + d > 6', true],
    ['i - d < 6', true],
    ['d / 2 == 0.25', true],
    ['i / 4 == 1', true],
    ['i % 4 == 2', true],
    ['-i < 0', true],
    ['i in [2, 4, 6]', true],
    ['i * i * i * i <= 9007199254740991', true],
    ['x == 2.5', true],
    ['x > 2', true],
    ['x * 2 == 5', true],
    ['s == "wal" && b', true],
    ['s in ["off", "wal"]', true],
    ['s.startsWith("w") ? i > 1 : false', true],
  ])('%s is %s', (source, expected) => {
    expect(compileExpression(source, VARIABLES)(VALUES)).toBe(expected);
  });
});

describe('an expression that cannot be meant is refused when it is compiled, with the clause', () => {
  test.each([
    ['', 'not valid CEL'],
    ['i +', 'not valid CEL'],
    ['i > 1 i', 'not valid CEL'],
    ['j > 1', '"j", which is not known here (did you mean "i"?)'],
    ['i', 'gives int, not true or false'],
    ['s > 1', 'no such overload'],
    ['process.exit(1)', 'not known here'],
    ['i.constructor', 'not valid'],
  ])('%s: %s', (source, reason) => {
    expect(() => compileExpression(source, VARIABLES)).toThrow(
      expect.objectContaining({
        code: 'KLR_E_CONFIG_INVALID',
        where: source,
        message: expect.stringContaining(reason),
      }),
    );
  });
});

describe('an expression without a value is refused when it is evaluated', () => {
  test.each([
    ['i / (i - 6) > 0', VALUES],
    ['i > 1', {}],
    ['x', VALUES],
    ['x > "a"', VALUES],
  ])('%s', (source, values) => {
    expect(() => compileExpression(source, VARIABLES)(values)).toThrow(
      expect.objectContaining({ code: 'KLR_E_CONFIG_INVALID', where: source }),
    );
  });
});

const PARAMETERS = {
  mode: parameterSchema.parse({ type: 'categorical', choices: ['off', 'on'], default: 'off' }),
  level: parameterSchema.parse({ type: 'int', low: 0, high: 9, default: 3, when: { mode: ['on'] } }),
  size: parameterSchema.parse({ type: 'ordinal', choices: [1, 2, 4], default: 1 }),
  share: parameterSchema.parse({ type: 'ordinal', choices: [1, 2.5], default: 1 }),
  mixed: parameterSchema.parse({ type: 'categorical', choices: ['auto', 8], default: 8 }),
};

describe('a clause applies when it can be decided', () => {
  test.each<['constraint' | 'forbidden', string, Record<string, unknown>, boolean]>([
    ['constraint', 'level > 2', { mode: 'on', level: 3 }, true],
    ['constraint', 'level > 2', { mode: 'on', level: 1 }, false],
    ['constraint', 'level > 2', { mode: 'off' }, true],
    ['constraint', 'mode == "on" || level > 2', { mode: 'on', level: 1 }, true],
    ['constraint', 'mode == "on" && level > 2', { mode: 'off' }, false],
    ['forbidden', 'mode == "off" || level > 2', { mode: 'off' }, false],
    ['forbidden', 'mode == "on" && level > 2', { mode: 'off' }, true],
    ['forbidden', 'level > 2', { mode: 'off' }, true],
    ['constraint', '10 / level > 1', { mode: 'on', level: 0 }, false],
    ['forbidden', '10 / level > 1', { mode: 'on', level: 0 }, false],
    ['constraint', 'size * 2 == 4', { size: 2 }, true],
    ['constraint', 'share == 1 && share < 2.5', { share: 1 }, true],
    ['constraint', 'mixed == 8', { mixed: 8 }, true],
    ['constraint', 'mixed == "auto"', { mixed: 8 }, false],
  ])('%s %s with %o: kept is %s', (kind, source, values, kept) => {
    expect(compileClause(kind, source, PARAMETERS).broken(values) === null).toBe(kept);
  });

  test('the clauses of one experiment do not answer for another with the same parameters', () => {
    const clauses = (source: string) =>
      clausesOf({ parameters: PARAMETERS, constraints: [source], forbidden: [] });
    expect(clauses('size > 1').map((clause) => clause.source)).toEqual(['size > 1']);
    expect(clauses('size > 2').map((clause) => clause.source)).toEqual(['size > 2']);
    expect(clausesOf({ parameters: PARAMETERS, constraints: [], forbidden: ['size > 2'] })[0]?.kind).toBe(
      'forbidden',
    );
  });
});

test('escrow rules see the changes, their size and the evidence', () => {
  const values = {
    changes: [
      { name: 'cache', from: 8, to: 64, step_share: 0.5, risky: false },
      { name: 'mode', from: 'off', to: 'on', step_share: 1, risky: true },
    ],
    risky: true,
    gain: 0.2,
    experiment: 'demo',
    source: 'external',
  };
  const holds = (source: string) => compileExpression(source, ESCROW_VARIABLES)(values);
  expect(holds('changes.exists(c, c.step_share > 0.3 && c.name == "cache")')).toBe(true);
  expect(holds('changes.exists(c, c.name == "cache" && c.to > c.from * 8)')).toBe(false);
  expect(holds('changes.all(c, c.risky) || source == "dream"')).toBe(false);
  expect(holds('size(changes) > 1 && gain < 1')).toBe(true);
});
