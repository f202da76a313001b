import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Params } from '../../src/config/parameters.ts';
import { type Analysis, analyse, importance } from '../../src/dream/importance.ts';
import { Prng } from '../../src/dream/prng.ts';
import { compileSpace } from '../../src/dream/space.ts';
import { anySpace, spaceConfig } from './spaces.ts';

const float = { type: 'float' as const, low: 0, high: 1, default: 0.5 };
const space = compileSpace(
  spaceConfig({
    a: float,
    b: float,
    idle: float,
    mode: { type: 'categorical', choices: ['p', 'q', 'r', 's'], default: 'p' },
    under: { ...float, when: { mode: ['p'] } },
    fixed: { type: 'int', low: 3, high: 3, default: 3 },
  }),
);

function analysed(value: (params: Params, random: Prng) => number, count = 400): Analysis {
  const random = new Prng(7, 1);
  const points = Array.from({ length: count }, () => space.sample(random).params);
  return analyse(
    space,
    points,
    points.map((params) => value(params, random)),
    { seed: 1 },
  );
}
const of = ({ importance: list }: Analysis, name: string) =>
  list.find((one) => one.name === name) ?? { share: Number.NaN, total: Number.NaN, uncertainty: Number.NaN };
const number = (params: Params, name: string) => Number(params[name] ?? 0);

describe('the share of a parameter is that of the variance which it makes', () => {
  it('in a sum: by the squares of the slopes, and nothing for what is idle', () => {
    const found = analysed((p) => 4 * number(p, 'a') + 2 * number(p, 'b'));
    expect(found.importance.map(({ name }) => name).slice(0, 2)).toEqual(['a', 'b']);
    expect(Math.abs(of(found, 'a').share - 0.8)).toBeLessThan(0.05);
    expect(Math.abs(of(found, 'b').share - 0.2)).toBeLessThan(0.05);
    for (const name of ['idle', 'mode', 'under']) expect(of(found, name).total).toBeLessThan(0.02);
    expect(found.explained).toBeGreaterThan(0.95);
  });

  it('where two matter only together: in their interaction, and in the total of both', () => {
    const found = analysed((p) => Number(number(p, 'a') > 0.5 === number(p, 'b') > 0.5), 800);
    expect(of(found, 'a').share).toBeLessThan(0.1);
    expect(of(found, 'a').total).toBeGreaterThan(0.7);
    expect(of(found, 'b').total).toBeGreaterThan(0.7);
    expect(of(found, 'idle').total).toBeLessThan(0.2);
    expect([...(found.interactions[0]?.names ?? [])].sort()).toEqual(['a', 'b']);
    expect(found.interactions[0]?.share).toBeGreaterThan(0.5);
  });

  it('of a choice whose good levels are not neighbours', () => {
    const found = analysed((p) => (p.mode === 'q' || p.mode === 's' ? 3 : 0) + number(p, 'a'));
    // Variances 9/4 and 1/12.
    expect(Math.abs(of(found, 'mode').share - 27 / 28)).toBeLessThan(0.02);
    const curve = found.effects.find(({ name }) => name === 'mode')?.curve ?? [];
    expect(curve.map(({ value }) => value)).toEqual(['p', 'q', 'r', 's']);
    curve.forEach(({ mean }, i) => {
      expect(Math.abs(mean - (i % 2 === 0 ? 0.5 : 3.5))).toBeLessThan(0.2);
    });
  });

  it('shows no value of a choice that was never measured, such as a forbidden one', () => {
    const points = Array.from({ length: 40 }, (_, i) => ({ mode: i % 2 === 0 ? 'p' : 'q', a: i / 40 }));
    const values = points.map(({ mode }) => (mode === 'q' ? 3 : 0));
    const { effects } = analyse(space, points, values, { seed: 1 });
    const curve = effects.find(({ name }) => name === 'mode')?.curve ?? [];
    expect(curve.map(({ value }) => value)).toEqual(['p', 'q']);
  });

  it('of a parameter that is active only under one choice', () => {
    const found = analysed((p) => (p.mode === 'p' ? 4 * number(p, 'under') : 2));
    expect(found.importance[0]?.name).toBe('under');
    expect(of(found, 'under').total).toBeGreaterThan(0.7);
    expect([...(found.interactions[0]?.names ?? [])].sort()).toEqual(['mode', 'under']);
  });

  it('is uncertain, and explains nothing, where the values are chance', () => {
    const chance = analysed((_, random) => random.normal(), 100);
    const sum = analysed((p) => 4 * number(p, 'a') + 2 * number(p, 'b'), 100);
    expect(chance.explained).toBeLessThan(0.1);
    const widest = (found: Analysis) => Math.max(...found.importance.map(({ uncertainty }) => uncertainty));
    expect(widest(chance)).toBeGreaterThan(widest(sum));
  });

  it('rises and falls with the function along its curve', () => {
    const found = analysed((p) => (number(p, 'a') - 0.5) ** 2);
    const curve = found.effects.find(({ name }) => name === 'a')?.curve ?? [];
    expect(curve).toHaveLength(11);
    curve.forEach(({ value, mean }) => {
      expect(Math.abs(mean - (Number(value) - 0.5) ** 2)).toBeLessThan(0.05);
    });
  });
});

describe('there is nothing to say', () => {
  const points = Array.from({ length: 20 }, (_, i) => ({ a: i / 20 }));
  it.each([
    ['of fewer than ten results', points.slice(0, 9), (i: number) => i],
    ['of equal values', points, () => 4],
    ['where the values are no numbers', points, (i: number) => (i < 9 ? i : Number.NaN)],
  ])('%s', (_, few, value) => {
    const values = few.map((_params, i) => value(i));
    expect(importance(space, few, values, { seed: 1 })).toEqual([]);
  });
});

it('in any space the shares are shares, no total is below its share, and one seed gives the same', () => {
  fc.assert(
    fc.property(anySpace, fc.integer({ min: 0, max: 2 ** 32 - 1 }), (config, seed) => {
      const any = compileSpace(config);
      const random = new Prng(seed, 1);
      const points = Array.from({ length: 30 }, () => any.sample(random).params);
      const values = points.map(() => random.normal());
      const found = importance(any, points, values, { seed });
      expect(importance(any, points, values, { seed })).toEqual(found);
      expect(found.reduce((sum, { share }) => sum + share, 0)).toBeLessThan(1 + 1e-9);
      for (const { share, total } of found) {
        expect(share).toBeGreaterThan(-1e-9);
        expect(total).toBeGreaterThan(share - 1e-9);
        expect(total).toBeLessThan(1 + 1e-9);
      }
    }),
    { numRuns: 30 },
  );
});
