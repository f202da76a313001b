/**
 * The expressions of a configuration: CEL, by @marcbachmann/cel-js. Integers are CEL ints and floats are doubles; the
 * arithmetic and equality between the two that CEL leaves out is added, so that `ratio * 2 <= 1` means what it says.
 */
import { createRequire } from 'node:module';
import type { Environment } from '@marcbachmann/cel-js';
import { KlorosError } from '../errors.ts';
import { didYouMean } from './nearest.ts';
import type { Experiment, Parameter } from './schema.ts';

/** Types of the variables of an expression; `dyn` is anything, objects and lists included. */
type VariableType = 'int' | 'double' | 'string' | 'bool' | 'dyn' | 'list<dyn>' | 'map<string, dyn>';
export type Variables = Readonly<Record<string, VariableType>>;

/** What an escrow rule can name; `changes` is a list of {name, from, to, step_share, autonomy, max_step, risky}. */
export const ESCROW_VARIABLES: Variables = {
  changes: 'list<dyn>',
  risky: 'bool',
  gain: 'double',
  experiment: 'string',
  source: 'string',
};

// The library takes 15 ms to load, and most configurations have no expression: it is loaded at the first one.
const load = createRequire(import.meta.url);

const ARITHMETIC: readonly (readonly [operator: string, apply: (a: number, b: number) => number])[] = [
  ['+', (a, b) => a + b],
  ['-', (a, b) => a - b],
  ['*', (a, b) => a * b],
  ['/', (a, b) => a / b],
];

function environment(variables: Variables, source: string): Environment {
  const cel = load('@marcbachmann/cel-js') as typeof import('@marcbachmann/cel-js');
  const result = new cel.Environment({ homogeneousAggregateLiterals: false });
  type Operand = bigint | number;
  for (const [operator, apply] of ARITHMETIC)
    for (const operands of [`int ${operator} double`, `double ${operator} int`])
      result.registerOperator(`${operands}: double`, (a: Operand, b: Operand) => apply(Number(a), Number(b)));
  // The library derives `double == int` and both `!=` from this one.
  result.registerOperator('int == double: bool', (a: Operand, b: Operand) => Number(a) === Number(b));
  for (const [name, type] of Object.entries(variables))
    if (source.includes(name)) result.registerVariable(name, type);
  return result;
}

function toCel(type: VariableType, value: unknown): unknown {
  return type === 'int' && typeof value === 'number' ? BigInt(value) : value;
}

function invalid(source: string, reason: string, cause?: unknown): KlorosError {
  return new KlorosError('KLR_E_CONFIG_INVALID', `the expression "${source}" ${reason}`, {
    where: source,
    cause,
  });
}

function explain(error: unknown, variables: Variables): string {
  const { code, summary = (error as Error).message } = error as { code?: string; summary?: string };
  if (code !== 'unknown_variable') return summary;
  const name = summary.slice(summary.indexOf(': ') + 2);
  return `it names "${name}", which is not known here${didYouMean(name, Object.keys(variables))}`;
}

/**
 * Compiles a CEL expression that says true or false. Variables that are absent from `values` are unknown: the
 * expression still has a value when it does not depend on them (`a || b` with a true).
 * For the clauses of an experiment use `clausesOf`, which knows about inactive parameters.
 * @throws KLR_E_CONFIG_INVALID, with the clause: at compilation for a syntax or type error or an unknown name; when
 * called, for an evaluation that has no value (a division by zero, a missing key, an unknown variable it depends on)
 * @example compileExpression('cache * 2 <= memory', { cache: 'int', memory: 'int' })({ cache: 1, memory: 2 }) // true
 */
export function compileExpression(
  source: string,
  variables: Variables,
): (values: Readonly<Record<string, unknown>>) => boolean {
  let parsed: ReturnType<Environment['parse']>;
  try {
    parsed = environment(variables, source).parse(source);
  } catch (error) {
    throw invalid(source, `is not valid CEL: ${explain(error, variables)}`, error);
  }
  const checked = parsed.check();
  if (!checked.valid)
    throw invalid(source, `is not valid: ${explain(checked.error, variables)}`, checked.error);
  if (checked.type !== 'bool' && checked.type !== 'dyn')
    throw invalid(source, `gives ${checked.type}, not true or false`);
  const types = Object.entries(variables);
  return (values) => {
    const known = types.flatMap(([name, type]) =>
      Object.hasOwn(values, name) ? [[name, toCel(type, values[name])]] : [],
    );
    let result: unknown;
    try {
      result = parsed(Object.fromEntries(known));
    } catch (error) {
      throw invalid(source, `has no value: ${explain(error, variables)}`, error);
    }
    if (typeof result !== 'boolean') throw invalid(source, 'gives neither true nor false');
    return result;
  };
}

function choicesType(choices: readonly (string | number)[]): VariableType {
  if (choices.every((choice) => typeof choice === 'string')) return 'string';
  if (choices.every((choice) => Number.isSafeInteger(choice))) return 'int';
  return choices.every((choice) => typeof choice === 'number') ? 'double' : 'dyn';
}

/** The CEL type that the values of a parameter have in expressions. */
function variableType(parameter: Parameter): VariableType {
  switch (parameter.type) {
    case 'int':
      return 'int';
    case 'float':
      return 'double';
    case 'boolean':
      return 'bool';
    default:
      return choicesType(parameter.choices);
  }
}

/** A clause of `constraints` or `forbidden`. */
export interface Clause {
  readonly kind: 'constraint' | 'forbidden';
  readonly source: string;
  /**
   * Why the values break it, in words; null when they do not. A clause that cannot be decided because it depends on a
   * parameter that is absent (inactive) does not apply; one that has no value for another reason is broken.
   */
  broken(values: Readonly<Record<string, unknown>>): string | null;
}

/** Compiles one clause over the parameters of an experiment. @throws KLR_E_CONFIG_INVALID, with the clause */
export function compileClause(
  kind: Clause['kind'],
  source: string,
  parameters: Experiment['parameters'],
): Clause {
  const variables = Object.fromEntries(
    Object.entries(parameters).map(([name, parameter]) => [name, variableType(parameter)]),
  );
  const evaluate = compileExpression(source, variables);
  const broken = (values: Readonly<Record<string, unknown>>): string | null => {
    try {
      if (evaluate(values) === (kind === 'constraint')) return null;
      return kind === 'constraint' ? `constraint "${source}" does not hold` : `"${source}" is forbidden`;
    } catch (error) {
      const cause = (error as KlorosError).cause as { code?: string } | undefined;
      return cause?.code === 'unknown_variable' ? null : (error as Error).message;
    }
  };
  return { kind, source, broken };
}

const compiled = new WeakMap<Experiment['parameters'], Map<string, Clause>>();

/** The clauses of an experiment, each compiled once. @throws KLR_E_CONFIG_INVALID, with the clause */
export function clausesOf(
  experiment: Pick<Experiment, 'parameters' | 'constraints' | 'forbidden'>,
): readonly Clause[] {
  const { parameters, constraints, forbidden } = experiment;
  const known = compiled.get(parameters) ?? new Map<string, Clause>();
  compiled.set(parameters, known);
  const clause = (kind: Clause['kind'], source: string): Clause => {
    const key = `${kind} ${source}`;
    const found = known.get(key) ?? compileClause(kind, source, parameters);
    known.set(key, found);
    return found;
  };
  return [
    ...constraints.map((source) => clause('constraint', source)),
    ...forbidden.map((source) => clause('forbidden', source)),
  ];
}
