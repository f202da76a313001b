import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkParams, defaultParams } from '../../src/config/parameters.ts';
import { Prng } from '../../src/dream/prng.ts';
import { compileSpace } from '../../src/dream/space.ts';
import { anySpace, spaceConfig } from './spaces.ts';

const seed = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('a compiled space', () => {
  it('samples, repairs and neighbours only configurations that may be tried', () => {
    fc.assert(
      fc.property(anySpace, seed, (config, s) => {
        const space = compileSpace(config);
        const random = new Prng(s);
        for (let i = 0; i < 8; i++) {
          const point = space.sample(random);
          const corner = Array.from(space.dimensions, () => random.int(2));
          for (const p of [point, space.repair(corner, random), ...space.neighbours(point)])
            expect(checkParams(config, p.params)).toEqual([]);
        }
      }),
    );
  });

  it('gives back the configuration that it was given', () => {
    fc.assert(
      fc.property(anySpace, seed, (config, s) => {
        const space = compileSpace(config);
        const { params, key, unit } = space.sample(new Prng(s));
        const again = space.toUnit(params);
        expect(again.params).toEqual(params);
        expect(again.key).toBe(key);
        again.unit.forEach((u, i) => {
          expect(u).toBeCloseTo(unit[i] ?? Number.NaN, 9);
        });
        expect(space.toUnit({}).params).toEqual(defaultParams(config));
      }),
    );
  });

  it('gives every level of an integer on a linear scale the same share', () => {
    const space = compileSpace(spaceConfig({ n: { type: 'int', low: 3, high: 6, default: 3 } }));
    const units = Array.from({ length: 400 }, (_, i) => (i + 0.5) / 400);
    const counts = Map.groupBy(units, (u) => space.fromUnit([u]).params.n);
    expect([...counts].map(([level, at]) => [level, at.length])).toEqual([
      [3, 100],
      [4, 100],
      [5, 100],
      [6, 100],
    ]);
  });

  it('finds a feasible sliver that random sampling misses', () => {
    const config = spaceConfig(
      {
        a: { type: 'int', low: 0, high: 1000, default: 0 },
        b: { type: 'int', low: 0, high: 1000, default: 7 },
      },
      { constraints: ['a == b || (a == 0 && b == 7)'] },
    );
    const point = compileSpace(config).sample(new Prng(1));
    expect(checkParams(config, point.params)).toEqual([]);
  });
});

describe('an empty space is found before the first ask', () => {
  const x = { type: 'float', low: 0, high: 1, default: 0.5 } as const;
  const n = { type: 'int', low: 0, high: 9, default: 1 } as const;

  it.each([
    ['a clause that nothing satisfies', { constraints: ['x >= 0.0', 'x > 2.0'] }, '"x > 2.0"'],
    ['a forbidden clause that is always true', { forbidden: ['n < 100'] }, '"n < 100"'],
    ['clauses that exclude each other', { constraints: ['n > 5', 'n < 3'] }, 'all of "n > 5", "n < 3"'],
  ])('%s is named', (_, rules, named) => {
    expect(() => compileSpace(spaceConfig({ x, n }, rules))).toThrowError(
      expect.objectContaining({ code: 'KLR_E_SPACE_EMPTY', message: expect.stringContaining(named) }),
    );
  });

  it.each([
    ['crossed bounds', { y: { ...x, low: 3 } }, 'y has no possible value: low 3 is above high 1'],
    ['a logarithm of zero', { y: { ...x, log: true } }, 'y has no possible value: a logarithmic scale'],
    [
      'conditions in a circle',
      { y: { ...x, when: { z: [1] } }, z: { ...n, when: { y: [1] } } },
      'in a circle',
    ],
    ['a condition on nothing', { y: { ...x, when: { z: [1] } } }, 'z, which is no parameter'],
    ['no parameters', {}, 'no parameters'],
  ])('%s', (_, parameters, message) => {
    expect(() => compileSpace(spaceConfig(parameters))).toThrowError(
      expect.objectContaining({ code: 'KLR_E_SPACE_EMPTY', message: expect.stringContaining(message) }),
    );
  });
});
