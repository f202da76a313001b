import { didYouMean } from '../nearest.ts';
import { showValue } from '../parameters.ts';
import type { ConfigPath, ConfigProblem } from '../problem.ts';
import type { ApplyConfig, Experiment } from '../schema.ts';

/** A metric is judged once: twice an objective, or an objective and a guardrail, would count it double. */
function metricProblems(experiment: Experiment, path: ConfigPath): ConfigProblem[] {
  const seen = new Set<string>();
  const sections = ['objectives', 'guardrails'] as const;
  return sections.flatMap((section) =>
    experiment[section].flatMap(({ metric }, i): ConfigProblem[] => {
      if (!seen.has(metric)) {
        seen.add(metric);
        return [];
      }
      const message = `the metric "${metric}" is named twice among objectives and guardrails`;
      return [{ path: [...path, section, i, 'metric'], at: 'value', message }];
    }),
  );
}

function evaluatorProblems(experiment: Experiment, path: ConfigPath): ConfigProblem[] {
  return Object.keys(experiment.evaluator.env).flatMap((name): ConfigProblem[] => {
    const here = [...path, 'evaluator', 'env', name];
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      return [{ path: here, at: 'key', message: `${showValue(name)} is no name of an environment variable` }];
    if (/^KLOROS_/i.test(name))
      return [
        { path: here, at: 'key', message: `${name}: KLOROS_… is how KLoROS itself speaks to the evaluator` },
      ];
    return [];
  });
}

function keyProblems(apply: ApplyConfig, parameters: readonly string[], path: ConfigPath): ConfigProblem[] {
  const owner = new Map<string, string>();
  const target = (name: string) => (Object.hasOwn(apply.keys, name) ? (apply.keys[name] ?? name) : name);
  const unknown = Object.keys(apply.keys).filter((name) => !parameters.includes(name));
  const problems: ConfigProblem[] = unknown.map((name) => ({
    path: [...path, 'keys', name],
    at: 'key',
    message: `there is no parameter ${showValue(name)}${didYouMean(name, parameters)}`,
  }));
  for (const name of parameters) {
    const other = owner.get(target(name));
    owner.set(target(name), name);
    if (other === undefined) continue;
    const named = Object.hasOwn(apply.keys, name) ? name : other;
    const message = `${other} and ${name} would both be written to "${target(name)}"`;
    problems.push({ path: [...path, 'keys', named], at: 'value', message });
  }
  return problems;
}

function applyProblems(experiment: Experiment, path: ConfigPath): ConfigProblem[] {
  const { apply, parameters } = experiment;
  if (apply === undefined) return [];
  const here = [...path, 'apply'];
  const problems = keyProblems(apply, Object.keys(parameters), here);
  if (apply.format === 'template' && apply.template === undefined)
    problems.push({
      path: [...here, 'format'],
      at: 'value',
      message: 'format template needs "template", a file',
    });
  if (apply.format !== 'template' && apply.template !== undefined)
    problems.push({
      path: [...here, 'template'],
      at: 'key',
      message: `a template is for format template, not ${apply.format}`,
    });
  if (apply.section !== undefined && (apply.format === 'env' || apply.format === 'template'))
    problems.push({
      path: [...here, 'section'],
      at: 'key',
      message: `format ${apply.format} has no sections`,
    });
  return problems;
}

function watchProblems({ watch }: Experiment, path: ConfigPath): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const add = (key: string[], message: string) =>
    problems.push({ path: [...path, 'watch', ...key], at: 'value', message });
  if (watch.interval > watch.duration)
    add(['interval'], 'the interval between two checks is longer than the watch: no check would be made');
  if (watch.promql && watch.promql.step > watch.interval)
    add(
      ['promql', 'step'],
      'the step is longer than the interval between two checks: a check would see nothing new',
    );
  return problems;
}

/** What is wrong with an experiment beside its search space. */
export function experimentProblems(experiment: Experiment, path: ConfigPath): ConfigProblem[] {
  return [
    ...metricProblems(experiment, path),
    ...evaluatorProblems(experiment, path),
    ...applyProblems(experiment, path),
    ...watchProblems(experiment, path),
  ];
}
