import type { Experiment, Parameter, ParameterValue } from './schema.ts';

/** A configuration of one experiment: name to value. Inactive conditional parameters are absent. */
export type Params = Readonly<Record<string, ParameterValue>>;

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

/** The values that the configuration declares as in force before any baseline; inactive parameters are absent. */
export function defaultParams(_experiment: Experiment): Params {
  throw new Error('to be written');
}

/** Whether `name` is active beside the values of `params`. */
export function isActive(_experiment: Experiment, _name: string, _params: Params): boolean {
  throw new Error('to be written');
}

/** What is wrong with one value, by type, bounds and step; null when nothing is. Own properties only. */
export function checkValue(_name: string, _parameter: Parameter, _value: unknown): ParameterProblem | null {
  throw new Error('to be written');
}

/**
 * Everything that is wrong with a complete configuration: unknown, missing, inactive or ill-typed parameters, bounds,
 * steps, and the constraints and forbidden combinations of the experiment. Empty when it may be tried.
 */
export function checkParams(
  _experiment: Experiment,
  _params: Readonly<Record<string, unknown>>,
): ParameterProblem[] {
  throw new Error('to be written');
}

/** `base` with `changes` on top: parameters that became inactive are left out, those that became active get their default. */
export function mergeParams(_experiment: Experiment, _base: Params, _changes: Params): Params {
  throw new Error('to be written');
}
