import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  checkParams,
  checkValue,
  defaultParams,
  isActive,
  mergeParams,
  type Params,
} from '../../src/config/parameters.ts';
import {
  type Experiment,
  experimentSchema,
  type Parameter,
  type ParameterValue,
} from '../../src/config/schema.ts';
import { experimentConfig } from '../support/context.ts';

const bounds = fc
  .tuple(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: 1, max: 500 }))
  .map(([low, width]) => ({ low, high: low + width }));

const numberParameter = fc
  .record({
    type: fc.constantFrom('int', 'float'),
    bounds,
    step: fc.option(fc.integer({ min: 1, max: 7 }), { nil: undefined }),
  })
  .map(({ type, bounds: { low, high }, step }) => ({
    type,
    low,
    high,
    default: low,
    ...(step && step <= high - low && { step }),
  }));
const choiceParameter = fc
  .uniqueArray(fc.oneof(fc.string({ maxLength: 5 }), fc.integer({ min: 0, max: 9 })), {
    minLength: 1,
    maxLength: 4,
  })
  .map((choices) => ({ type: 'categorical', choices, default: choices[0] }));
const booleanParameter = fc.boolean().map((value) => ({ type: 'boolean', default: value }));
const anyParameter = fc.oneof(numberParameter, choiceParameter, booleanParameter);

/** Valid values of a parameter. */
function valuesOf(parameter: Parameter): fc.Arbitrary<ParameterValue> {
  if (parameter.type === 'boolean') return fc.boolean();
  if ('choices' in parameter) return fc.constantFrom(...parameter.choices);
  const { low, high, step = 1 } = parameter;
  return fc.nat(Math.floor((high - low) / step)).map((k) => low + k * step);
}

/** Experiments of up to six parameters, each perhaps conditional on one before it. */
const experiments: fc.Arbitrary<Experiment> = fc
  .array(fc.tuple(anyParameter, fc.option(fc.nat(), { nil: undefined }), fc.nat()), {
    minLength: 1,
    maxLength: 6,
  })
  .map((drawn) => {
    const parameters: Record<string, object> = {};
    drawn.forEach(([parameter, pick, which], i) => {
      const other = pick === undefined || i === 0 ? undefined : `p${pick % i}`;
      const base = (other && parameters[other]) as { choices?: unknown[]; default: unknown } | undefined;
      const choices = base?.choices ?? [base?.default];
      const when = other && { when: { [other]: [choices[which % choices.length]] } };
      parameters[`p${i}`] = { ...parameter, ...when };
    });
    return experimentSchema.parse({ ...experimentConfig(), parameters });
  });

/** An experiment with valid values for some of its parameters, whatever is active. */
const withChanges = experiments.chain((experiment) => {
  const values = Object.entries(experiment.parameters).map(([name, p]) => [name, valuesOf(p)] as const);
  const record = fc.record(Object.fromEntries(values), { requiredKeys: [] }) as fc.Arbitrary<Params>;
  return fc.tuple(fc.constant(experiment), record, record);
});

test('the defaults of any experiment may be tried', () => {
  fc.assert(
    fc.property(experiments, (experiment) => {
      expect(checkParams(experiment, defaultParams(experiment))).toEqual([]);
    }),
  );
});

test('a merge of valid values is refused for nothing but inactive parameters that the change itself names', () => {
  fc.assert(
    fc.property(withChanges, ([experiment, base, changes]) => {
      const merged = mergeParams(experiment, base, changes);
      const problems = checkParams(experiment, merged);
      for (const problem of problems) {
        expect(problem.code).toBe('inactive');
        expect(Object.hasOwn(changes, problem.name)).toBe(true);
      }
      for (const [name, value] of Object.entries(changes)) expect(merged[name]).toBe(value);
    }),
  );
});

test('a merge holds every active parameter, and changes nothing when it is done again', () => {
  fc.assert(
    fc.property(withChanges, ([experiment, base, changes]) => {
      const merged = mergeParams(experiment, base, changes);
      for (const name of Object.keys(experiment.parameters))
        expect(Object.hasOwn(merged, name)).toBe(
          isActive(experiment, name, merged) || Object.hasOwn(changes, name),
        );
      expect(mergeParams(experiment, merged, changes)).toEqual(merged);
    }),
  );
});

test('whatever is put in place of a value is refused, unless it is a value of the parameter', () => {
  fc.assert(
    fc.property(experiments, fc.anything(), fc.nat(), (experiment, value, pick) => {
      const params = defaultParams(experiment);
      const names = Object.keys(params);
      const name = names[pick % names.length] ?? 'p0';
      const parameter = experiment.parameters[name] as Parameter;
      const sound = checkValue(name, parameter, value) === null;
      const named = checkParams(experiment, { ...params, [name]: value }).filter((p) => p.name === name);
      expect(named.length === 0).toBe(sound);
      if (sound) expect(['number', 'string', 'boolean']).toContain(typeof value);
    }),
  );
});

test('no document makes the check throw or pass with a key that is not declared', () => {
  fc.assert(
    fc.property(experiments, fc.dictionary(fc.string(), fc.jsonValue()), (experiment, extra) => {
      const unknown = Object.keys(extra).filter((key) => !Object.hasOwn(experiment.parameters, key));
      const problems = checkParams(experiment, { ...defaultParams(experiment), ...extra });
      expect(problems.filter((p) => p.code === 'unknown').map((p) => p.name)).toEqual(unknown);
    }),
  );
});
