import { checkValue, showValue } from '../parameters.ts';
import type { ConfigPath, ConfigProblem } from '../problem.ts';
import type { Parameter } from '../schema.ts';

function rangeProblems(parameter: Parameter, path: ConfigPath): ConfigProblem[] {
  if (parameter.type !== 'float' && parameter.type !== 'int') return [];
  const { low, high, log, step } = parameter;
  const at = (key: string, message: string): ConfigProblem => ({
    path: [...path, key],
    at: 'value',
    message,
  });
  if (low >= high) return [at('low', `low (${low}) has to be below high (${high})`)];
  const problems: ConfigProblem[] = [];
  if (log && low <= 0) problems.push(at('low', `a log scale needs low above 0, got ${low}`));
  if (step !== undefined && step > high - low)
    problems.push(at('step', `step (${step}) is wider than the range, ${low} to ${high}`));
  return problems;
}

/** The default is judged when there are values to judge it by. */
function defaultProblems(name: string, parameter: Parameter, path: ConfigPath): ConfigProblem[] {
  if ('low' in parameter) {
    const { low, high, step = 0 } = parameter;
    if (low >= high || step > high - low) return [];
  }
  const wrong = checkValue(name, parameter, parameter.default);
  if (wrong === null) return [];
  return [{ path: [...path, 'default'], at: 'value', message: `default of ${wrong.message}` }];
}

function choiceProblems(parameter: Parameter, path: ConfigPath): ConfigProblem[] {
  if (parameter.type !== 'categorical' && parameter.type !== 'ordinal') return [];
  const { choices } = parameter;
  return choices.flatMap((choice, i) =>
    choices.indexOf(choice) === i
      ? []
      : [{ path: [...path, 'choices', i], at: 'value', message: `${showValue(choice)} is listed twice` }],
  );
}

/** What is wrong with one parameter by itself: bounds, scale, step, choices, its default. */
export function parameterProblems(name: string, parameter: Parameter, path: ConfigPath): ConfigProblem[] {
  const problems = [
    ...choiceProblems(parameter, path),
    ...rangeProblems(parameter, path),
    ...defaultProblems(name, parameter, path),
  ];
  if (parameter.autonomy === 'guarded' && parameter.max_step === undefined)
    problems.push({
      path: [...path, 'autonomy'],
      at: 'value',
      message: 'autonomy guarded needs max_step: larger steps wait for a person',
    });
  return problems;
}
