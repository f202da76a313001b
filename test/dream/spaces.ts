import fc from 'fast-check';
import { z } from 'zod';
import type { SpaceConfig } from '../../src/config/parameters.ts';
import { parameterSchema } from '../../src/config/schema.ts';
import type { SearchSettings } from '../../src/dream/sampler.ts';

type ParameterInput = z.input<typeof parameterSchema>;

/** A space as a configuration declares it. */
export function spaceConfig(
  parameters: Record<string, ParameterInput>,
  rules: { constraints?: string[]; forbidden?: string[] } = {},
): SpaceConfig {
  return {
    parameters: z.record(z.string(), parameterSchema).parse(parameters),
    constraints: rules.constraints ?? [],
    forbidden: rules.forbidden ?? [],
  };
}

export function settings(overrides: Partial<SearchSettings> = {}): SearchSettings {
  return { directions: ['minimize'], budget: 40, seed: 1, noise: false, parallel: 1, ...overrides };
}

const bounds = fc.record({ low: fc.integer({ min: 1, max: 50 }), width: fc.integer({ min: 0, max: 1000 }) });

const number = fc
  .record({
    bounds,
    type: fc.constantFrom('float', 'int'),
    log: fc.boolean(),
    step: fc.option(fc.integer({ min: 1, max: 7 })),
  })
  .map(({ bounds: { low, width }, type, log, step }): ParameterInput => {
    const scale = type === 'float' ? 0.1 : 1;
    const shape = { low: low * scale, high: (low + width) * scale, log, default: low * scale };
    return { type, ...shape, ...(step === null ? {} : { step: step * scale }) } as ParameterInput;
  });

const choices = fc.uniqueArray(fc.oneof(fc.string({ minLength: 1, maxLength: 4 }), fc.integer()), {
  minLength: 1,
  maxLength: 5,
});
const choice = fc
  .tuple(choices, fc.constantFrom('categorical' as const, 'ordinal' as const))
  .map(([values, type]): ParameterInput => ({ type, choices: values, default: values[0] ?? '' }));

const flag = fc.boolean().map((value): ParameterInput => ({ type: 'boolean', default: value }));

/**
 * Up to six parameters of every type beside a switch; some are active only while the switch is on, one of those
 * switches another; sometimes two numbers are bound by a constraint and one combination is forbidden.
 */
export const anySpace: fc.Arbitrary<SpaceConfig> = fc
  .record({
    parameters: fc.array(fc.tuple(fc.oneof(number, number, choice, flag), fc.boolean()), { maxLength: 6 }),
    ruled: fc.boolean(),
  })
  .map(({ parameters, ruled }) => {
    const named = parameters.map(([parameter, conditional], i): [string, ParameterInput] => [
      `p${i}`,
      conditional ? { ...parameter, when: { on: [true] } } : parameter,
    ]);
    const base: Record<string, ParameterInput> = {
      on: { type: 'boolean', default: true },
      inner: { type: 'boolean', default: true, when: { on: [true] } },
      depth: { type: 'int', low: 1, high: 9, default: 3, when: { inner: [true] } },
      a: { type: 'float', low: 0, high: 1, default: 0 },
      b: { type: 'int', low: 0, high: 10, default: 9 },
    };
    const rules = ruled ? { constraints: ['a * 10.0 <= b'], forbidden: ['on && b == 10'] } : {};
    return spaceConfig({ ...base, ...Object.fromEntries(named) }, rules);
  });
