import { checkValue, showValue } from '../parameters.ts';
import type { ConfigPath, ConfigProblem } from '../problem.ts';
import type { Parameter } from '../schema.ts';

function boundsProblem(parameter: Parameter, path: ConfigPath): ConfigProblem | null {
  if (parameter.type !== 'float' && parameter.type !== 'int') return null;
  const { low, high, log, step } = parameter;
  if (low >= high)
    return { path: [...path, 'low'], at: 'value', message: `low (${low}) has to be below high (${high})` };
  if (log && low <= 0)
    return { path: [...path, 'low'], at: 'value', message: `a log scale needs low above 0, got ${low}` };
  if (step !== undefined && step > high - low)
    return {
      path: [...path, 'step'],
      at: 'value',
      message: `step (${step}) is wider than the range, ${low} to ${high}`,
    };
  return null;
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
  const problems = choiceProblems(parameter, path);
  const bounds = boundsProblem(parameter, path);
  if (bounds !== null) problems.push(bounds);
  else {
    const wrong = checkValue(name, parameter, parameter.default);
    if (wrong !== null)
      problems.push({ path: [...path, 'default'], at: 'value', message: `default of ${wrong.message}` });
  }
  if (parameter.autonomy === 'guarded' && parameter.max_step === undefined)
    problems.push({
      path: [...path, 'autonomy'],
      at: 'value',
      message: 'autonomy guarded needs max_step: larger steps wait for a person',
    });
  return problems;
}
