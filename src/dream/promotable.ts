import { checkParams, mergeParams, type Params } from '../config/parameters.ts';
import type { Experiment, Parameter, ParameterValue } from '../config/schema.ts';
import { canonicalJson } from '../store/json.ts';

type Tunable = Pick<Experiment, 'parameters' | 'constraints' | 'forbidden'>;
type NumberParameter = Extract<Parameter, { type: 'float' | 'int' }>;

const SEARCHED = new Set(['observe', 'propose', 'guarded', 'auto']);
const PROMOTED = new Set(['propose', 'guarded', 'auto']);

/** The experiment as the search may vary it: a parameter whose autonomy is `off` has the baseline's value alone. */
export function searchable<E extends Tunable>(experiment: E, baseline: Params): E {
  const parameters = Object.fromEntries(
    Object.entries(experiment.parameters).map(([name, parameter]) => [
      name,
      SEARCHED.has(parameter.autonomy) ? parameter : fixed(parameter, baseline[name] ?? parameter.default),
    ]),
  );
  return { ...experiment, parameters };
}

function fixed(parameter: Parameter, value: ParameterValue): Parameter {
  if (parameter.type === 'float' || parameter.type === 'int')
    return { ...parameter, low: Number(value), high: Number(value), default: Number(value) };
  // A choice of one: for a space that is sound with a boolean too, though no configuration file can say it.
  const choice = value as string;
  return { ...parameter, type: 'categorical', choices: [choice], default: choice };
}

/**
 * What of a configuration that the search found may be promoted: parameters that are only observed go back to the
 * baseline's value, and steps beyond `max_step` are shortened (but for `guarded` parameters, where a person decides).
 * Null when nothing of it is left, or what is left breaks a constraint.
 */
export function promotable(experiment: Tunable, baseline: Params, found: Params): Params | null {
  const wanted: Record<string, ParameterValue> = { ...found };
  for (const [name, parameter] of Object.entries(experiment.parameters)) {
    const from = baseline[name] ?? parameter.default;
    const to = found[name];
    if (to === undefined) continue;
    wanted[name] = PROMOTED.has(parameter.autonomy) ? shortened(parameter, from, to) : from;
  }
  const params = mergeParams(experiment, { ...baseline, ...wanted }, {});
  if (sameParams(params, baseline) || checkParams(experiment, params).length > 0) return null;
  return params;
}

export function sameParams(a: Params, b: Params): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/** The values of `params` that differ from the baseline's. */
export function changesFrom(baseline: Params, params: Params): Params {
  return Object.fromEntries(
    Object.entries(params).filter(([name, value]) => !Object.is(baseline[name], value)),
  );
}

function shortened(parameter: Parameter, from: ParameterValue, to: ParameterValue): ParameterValue {
  const limit = parameter.max_step;
  if (limit === undefined || parameter.autonomy === 'guarded') return to;
  if (parameter.type === 'ordinal') return shortenedOrdinal(parameter.choices, limit, from, to);
  if (parameter.type !== 'float' && parameter.type !== 'int') return to;
  const scale = parameter.log ? Math.log : (x: number) => x;
  const unscale = parameter.log ? Math.exp : (x: number) => x;
  const reach = limit * (scale(parameter.high) - scale(parameter.low));
  const away = scale(Number(to)) - scale(Number(from));
  if (Math.abs(away) <= reach) return to;
  return onGrid(parameter, Number(from), unscale(scale(Number(from)) + Math.sign(away) * reach));
}

/** The value on the parameter's grid next to `to`, on the side of `from`. */
function onGrid(parameter: NumberParameter, from: number, to: number): number {
  const step = parameter.step ?? (parameter.type === 'int' ? 1 : undefined);
  if (step === undefined) return to;
  const steps = (to - parameter.low) / step;
  const whole = to > from ? Math.floor(steps + 1e-9) : Math.ceil(steps - 1e-9);
  return Number((parameter.low + whole * step).toPrecision(15));
}

function shortenedOrdinal(
  choices: readonly ParameterValue[],
  limit: number,
  from: ParameterValue,
  to: ParameterValue,
): ParameterValue {
  const start = choices.indexOf(from);
  const end = choices.indexOf(to);
  const reach = Math.floor(limit * (choices.length - 1) + 1e-9);
  if (Math.abs(end - start) <= reach) return to;
  return choices[start + Math.sign(end - start) * reach] ?? from;
}
