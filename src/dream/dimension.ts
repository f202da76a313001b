import type { Parameter, ParameterValue } from '../config/schema.ts';
import { KlorosError } from '../errors.ts';

/** One parameter as samplers see it: a coordinate in [0, 1]. */
export interface Dimension {
  readonly name: string;
  /** real: a continuum; ordered: levels in a row; choice: levels without order. */
  readonly kind: 'real' | 'ordered' | 'choice';
  /** Number of distinct values, Infinity for a continuum. */
  readonly levels: number;
  /** The default. */
  readonly initial: ParameterValue;
  /** Coordinate of the default: where the parameter stands while it is inactive. */
  readonly rest: number;
  /** The coordinate of a value; the nearest valid one's when it is out of bounds or off the step. NaN: no such choice. */
  toUnit(value: ParameterValue): number;
  /** The valid value nearest to a value, itself when it is valid; undefined when there is no such choice. */
  nearest(value: ParameterValue): ParameterValue | undefined;
  /** The valid value nearest to a coordinate. */
  fromUnit(unit: number): ParameterValue;
}

/** @throws KLR_E_SPACE_EMPTY when no value is possible */
export function compileDimension(name: string, parameter: Parameter): Dimension {
  if (parameter.type === 'boolean') return choiceDimension(name, 'choice', [false, true], parameter.default);
  if ('choices' in parameter) {
    const kind = parameter.type === 'ordinal' ? 'ordered' : 'choice';
    return choiceDimension(name, kind, parameter.choices, parameter.default);
  }
  return numberDimension(name, parameter);
}

function empty(name: string, why: string): KlorosError {
  return new KlorosError('KLR_E_SPACE_EMPTY', `${name} has no possible value: ${why}`, { where: name });
}

function choiceDimension(
  name: string,
  kind: 'ordered' | 'choice',
  choices: readonly ParameterValue[],
  initial: ParameterValue,
): Dimension {
  const first = choices[0];
  if (first === undefined) throw empty(name, 'no choices');
  const levels = choices.length;
  const toUnit = (value: ParameterValue): number => {
    const index = choices.indexOf(value);
    return index < 0 ? Number.NaN : (index + 0.5) / levels;
  };
  const rest = toUnit(initial);
  return {
    name,
    kind,
    levels,
    initial: Number.isNaN(rest) ? first : initial,
    rest: Number.isNaN(rest) ? 0.5 / levels : rest,
    toUnit,
    nearest: (value) => (choices.includes(value) ? value : undefined),
    fromUnit: (unit) => choices[Math.min(levels - 1, Math.max(0, Math.floor(unit * levels)))] ?? first,
  };
}

type NumberParameter = Extract<Parameter, { type: 'float' | 'int' }>;

/** Numbers get equal width per level on the linear or logarithmic scale, half a level beyond each bound. */
function numberDimension(name: string, parameter: NumberParameter): Dimension {
  const { low, high, log } = parameter;
  if (!(low <= high)) throw empty(name, `low ${low} is above high ${high}`);
  if (log && !(low > 0)) throw empty(name, `a logarithmic scale needs low > 0, not ${low}`);
  const step = parameter.step ?? (parameter.type === 'int' ? 1 : null);
  const last = step === null ? high : low + Math.floor((high - low) / step + 1e-9) * step;
  const scale = log ? Math.log : (x: number) => x;
  const unscale = log ? Math.exp : (x: number) => x;
  const margin = step === null ? 0 : step / 2;
  const left = scale(log ? Math.max(low - margin, low / 2) : low - margin);
  const width = scale(last + margin) - left;
  const clamp = (x: number) => Math.min(high, Math.max(low, x));
  const snap = (x: number): number => {
    if (step === null) return clamp(x);
    const level = Math.round((Math.min(last, Math.max(low, x)) - low) / step);
    return clamp(Number((low + level * step).toPrecision(15)));
  };
  const nearest = (value: ParameterValue): number | undefined =>
    typeof value === 'number' && !Number.isNaN(value) ? snap(value) : undefined;
  const toUnit = (value: ParameterValue): number => {
    const number = nearest(value);
    if (number === undefined) return Number.NaN;
    return width > 0 ? (scale(number) - left) / width : 0.5;
  };
  return {
    name,
    kind: step === null && low < high ? 'real' : 'ordered',
    levels: low === high ? 1 : step === null ? Infinity : Math.round((last - low) / step) + 1,
    initial: snap(parameter.default),
    rest: toUnit(parameter.default),
    toUnit,
    nearest,
    fromUnit: (unit) => snap(unscale(left + Math.min(1, Math.max(0, unit)) * width)),
  };
}
