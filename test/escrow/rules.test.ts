import { expect, test } from 'vitest';
import type { Params } from '../../src/config/parameters.ts';
import { changesBetween } from '../../src/escrow/changes.ts';
import { escrowFindings } from '../../src/escrow/rules.ts';
import { type ConfigInput, type ExperimentInput, experimentConfig, parseConfig } from '../support/context.ts';
import { proposed } from './entries.ts';

type ParameterInput = ExperimentInput['parameters'][string];

const number = (extra: object = {}): ParameterInput => ({
  type: 'float',
  low: 0,
  high: 10,
  default: 0,
  ...extra,
});

async function reasonsFor(
  parameter: ParameterInput,
  to: number | string | boolean,
  escrow: ConfigInput['escrow'] = {},
  overrides: Parameters<typeof proposed>[0] = {},
): Promise<readonly string[]> {
  const config = parseConfig({
    experiments: { demo: experimentConfig({ parameters: { x: parameter } }) },
    escrow,
  });
  const from: Params = { x: parameter.default };
  return (await escrowFindings({ config }, proposed({ from, to: { x: to }, ...overrides }))).reasons;
}

test('a plain step may go alone', async () => {
  expect(await reasonsFor(number(), 10)).toEqual([]);
});

test('a parameter that is named risky never changes without a person, whatever the rules are', async () => {
  expect(await reasonsFor(number({ risky: true }), 0.001)).toEqual(['x is named risky']);
});

test('a parameter that is proposed only is changed by a person', async () => {
  expect(await reasonsFor(number({ autonomy: 'propose' }), 1)).toEqual([
    'x is changed by a person only (propose)',
  ]);
});

test('a guarded parameter goes alone up to its max_step, and not at all without one', async () => {
  const guarded = number({ autonomy: 'guarded', max_step: 0.2 });
  expect(await reasonsFor(guarded, 2)).toEqual([]);
  expect(await reasonsFor(guarded, 2.5)).toEqual(['the step of x, 25 % of its range, is beyond 20 %']);
  expect(await reasonsFor(number({ autonomy: 'guarded' }), 0.1)).toEqual([
    'x is guarded, and no max_step says which steps may go alone',
  ]);
});

test('max_step binds a parameter that is auto, too', async () => {
  expect(await reasonsFor(number({ max_step: 0.1 }), 5)).toHaveLength(1);
});

test('what does not change asks for nobody', async () => {
  expect(await reasonsFor(number({ risky: true, autonomy: 'propose' }), 0)).toEqual([]);
});

test('rules see the changes, the gain, the experiment and the source', async () => {
  const rule = (when: string) => ({ rules: [{ when, reason: 'as ruled' }] });
  const holds = async (when: string, overrides = {}) =>
    (await reasonsFor(number(), 5, rule(when), overrides)).includes('as ruled');
  expect(await holds('changes.exists(c, c.name == "x" && c.to > 4.0 && c.step_share >= 0.5)')).toBe(true);
  expect(await holds('changes.exists(c, c.step_share > 0.5)')).toBe(false);
  expect(await holds('gain < 0.2', { gain: 0.1 })).toBe(true);
  expect(await holds('gain < 0.2', { gain: 0.3 })).toBe(false);
  expect(await holds('source == "external"', { source: 'external' })).toBe(true);
  expect(await holds('experiment == "demo" && size(changes) == 1')).toBe(true);
  expect(await holds('risky')).toBe(false);
});

test('a rule that has no value asks for a person: it has not said no', async () => {
  const [reason] = await reasonsFor(number(), 5, {
    rules: [{ when: 'changes[7].step_share > 0.5', reason: 'big steps' }],
  });
  expect(reason).toMatch(/^the rule "big steps" could not be evaluated: /);
});

test('every reason is named', async () => {
  const reasons = await reasonsFor(number({ risky: true, max_step: 0.1, autonomy: 'propose' }), 10, {
    rules: [{ when: 'risky', reason: 'as ruled' }],
  });
  expect(reasons).toHaveLength(4);
});

test('an experiment that is not configured is no silent yes', async () => {
  const config = parseConfig();
  await expect(escrowFindings({ config }, proposed({ experiment: '__proto__' }))).rejects.toMatchObject({
    code: 'KLR_E_NOT_FOUND',
  });
});

test('the step share is measured in the scale of the parameter', () => {
  const shareOf = (parameter: ParameterInput, from: unknown, to: unknown): number | undefined => {
    const { experiments } = parseConfig({
      experiments: { demo: experimentConfig({ parameters: { x: parameter } }) },
    });
    const demo = experiments.demo;
    if (demo === undefined) throw new Error('no experiment');
    return changesBetween(demo, { x: from } as Params, { x: to } as Params)[0]?.step_share;
  };
  expect(shareOf(number(), 0, 2.5)).toBe(0.25);
  expect(shareOf({ type: 'int', low: 1, high: 1024, log: true, default: 1 }, 1, 32)).toBeCloseTo(0.5);
  expect(shareOf({ type: 'boolean', default: true }, true, false)).toBe(1);
  expect(shareOf({ type: 'categorical', choices: ['a', 'b', 'c'], default: 'a' }, 'a', 'b')).toBe(1);
  expect(shareOf({ type: 'ordinal', choices: [1, 2, 4, 8, 16], default: 1 }, 1, 4)).toBe(0.5);
  expect(shareOf(number(), undefined, 5)).toBe(1);
  expect(shareOf(number(), -100, 5)).toBe(1);
  expect(shareOf(number(), 5, 5)).toBeUndefined();
});
