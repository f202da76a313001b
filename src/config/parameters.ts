import { clausesOf } from './constraints.ts';
import { didYouMean } from './nearest.ts';
import type { Experiment, Parameter, ParameterValue } from './schema.ts';

/** A configuration of one experiment: name to value. Inactive conditional parameters are absent. */
export type Params = Readonly<Record<string, ParameterValue>>;

/** The part of an experiment that says which configurations there are. */
export type SpaceConfig = Pick<Experiment, 'parameters' | 'constraints' | 'forbidden'>;

/** What is wrong with one value of a configuration. */
export interface ParameterProblem {
  /** The parameter, or the CEL clause that is broken. */
  readonly name: string;
  readonly code:
    | 'unknown'
    | 'missing'
    | 'type'
    | 'not-finite'
    | 'range'
    | 'step'
    | 'choice'
    | 'inactive'
    | 'constraint';
  /** In words, with the value and the bound. */
  readonly message: string;
}

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** A value from outside as text that is safe to show: at most 60 characters, one line, no control characters. */
export function showValue(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (value !== null && typeof value === 'object') return 'a mapping';
  if (typeof value !== 'string') return String(value);
  const clean = JSON.stringify(value.slice(0, 60)).replace(UNPRINTABLE, '\uFFFD');
  return clean.length > 60 || value.length > 60 ? `${clean.slice(0, 58)}…"` : clean;
}

/** Whether `name` is active beside the values of `params`: each parameter that its `when` names is active and has a value listed. */
export function isActive(
  experiment: Pick<Experiment, 'parameters'>,
  name: string,
  params: Readonly<Record<string, unknown>>,
): boolean {
  const parameter = Object.hasOwn(experiment.parameters, name) ? experiment.parameters[name] : undefined;
  if (parameter === undefined) return false;
  return Object.entries(parameter.when ?? {}).every(
    ([other, values]) =>
      Object.hasOwn(params, other) &&
      (values as readonly unknown[]).includes(params[other]) &&
      isActive(experiment, other, params),
  );
}

/** The values that the configuration declares as in force before any baseline; inactive parameters are absent. */
export function defaultParams(experiment: Pick<Experiment, 'parameters'>): Params {
  return mergeParams(experiment, {}, {});
}

/**
 * `base` with `changes` on top: parameters that became inactive are left out, those that became active get their
 * default. What `changes` itself names is kept even when it is unknown or inactive, so that `checkParams` can refuse it.
 */
export function mergeParams(
  experiment: Pick<Experiment, 'parameters'>,
  base: Params,
  changes: Params,
): Params {
  const defaults = Object.entries(experiment.parameters).map(([name, p]) => [name, p.default] as const);
  const all: Params = Object.fromEntries([...defaults, ...Object.entries(base), ...Object.entries(changes)]);
  return Object.fromEntries(
    Object.entries(all).filter(([name]) => Object.hasOwn(changes, name) || isActive(experiment, name, all)),
  );
}

/** Whether `value` is `low` plus a whole number of steps, but for the rounding of the sum itself. */
function isOnStep(value: number, low: number, step: number): boolean {
  const steps = (value - low) / step;
  const rounding = (8 * Number.EPSILON * Math.max(Math.abs(low), Math.abs(value))) / step;
  return Math.abs(steps - Math.round(steps)) <= 1e-9 + rounding;
}

type NumberParameter = Extract<Parameter, { type: 'float' | 'int' }>;

function checkNumber(name: string, parameter: NumberParameter, value: unknown): ParameterProblem | null {
  const { type, low, high, step } = parameter;
  const shown = showValue(value);
  const problem = (code: ParameterProblem['code'], message: string) => ({ name, code, message });
  if (typeof value !== 'number') return problem('type', `${name} takes a number, not ${shown}`);
  if (!Number.isFinite(value)) return problem('not-finite', `${name} takes a finite number, not ${shown}`);
  if (type === 'int' && !Number.isSafeInteger(value))
    return problem('type', `${name} takes a whole number, not ${shown}`);
  if (value < low) return problem('range', `${name}: ${shown} is below its minimum, ${low}`);
  if (value > high) return problem('range', `${name}: ${shown} is above its maximum, ${high}`);
  if (step !== undefined && !isOnStep(value, low, step))
    return problem('step', `${name}: ${shown} is not ${low} plus a whole number of steps of ${step}`);
  return null;
}

/** What is wrong with one value, by type, bounds and step; null when nothing is. */
export function checkValue(name: string, parameter: Parameter, value: unknown): ParameterProblem | null {
  switch (parameter.type) {
    case 'float':
    case 'int':
      return checkNumber(name, parameter, value);
    case 'boolean':
      return typeof value === 'boolean'
        ? null
        : { name, code: 'type', message: `${name} takes true or false, not ${showValue(value)}` };
    default:
      return (parameter.choices as readonly unknown[]).includes(value)
        ? null
        : {
            name,
            code: 'choice',
            message: `${name}: ${showValue(value)} is none of its choices, ${parameter.choices.map(showValue).join(', ')}`,
          };
  }
}

function checkNames(
  experiment: Pick<Experiment, 'parameters'>,
  params: Readonly<Record<string, unknown>>,
): ParameterProblem[] {
  const known = Object.keys(experiment.parameters);
  const unknown = Object.keys(params).filter((name) => !Object.hasOwn(experiment.parameters, name));
  const missing = known.filter((name) => !Object.hasOwn(params, name) && isActive(experiment, name, params));
  return [
    ...unknown.map((name) => ({
      name,
      code: 'unknown' as const,
      message: `there is no parameter ${showValue(name)}${didYouMean(name, known)}`,
    })),
    ...missing.map((name) => ({ name, code: 'missing' as const, message: `${name} has no value` })),
  ];
}

/**
 * Everything that is wrong with a complete configuration: unknown, missing, inactive or ill-typed parameters, bounds,
 * steps; and, when all values are sound, the constraints and forbidden combinations of the experiment. Own properties
 * only. Empty when it may be tried.
 * @throws KLR_E_CONFIG_INVALID for a clause that is no valid CEL, which no loaded configuration has
 */
export function checkParams(
  experiment: SpaceConfig,
  params: Readonly<Record<string, unknown>>,
): ParameterProblem[] {
  const problems = checkNames(experiment, params);
  for (const [name, parameter] of Object.entries(experiment.parameters)) {
    if (!Object.hasOwn(params, name)) continue;
    const problem = checkValue(name, parameter, params[name]);
    if (problem !== null) problems.push(problem);
    else if (!isActive(experiment, name, params))
      problems.push({ name, code: 'inactive', message: `${name} is not active beside the other values` });
  }
  if (problems.length > 0) return problems;
  return clausesOf(experiment).flatMap((clause) => {
    const message = clause.broken(params);
    return message === null ? [] : [{ name: clause.source, code: 'constraint' as const, message }];
  });
}
