import type { KlorosError } from '../../errors.ts';
import { type Clause, compileClause } from '../constraints.ts';
import { didYouMean } from '../nearest.ts';
import { checkParams, checkValue, defaultParams, mergeParams, showValue } from '../parameters.ts';
import type { ConfigPath, ConfigProblem } from '../problem.ts';
import type { Experiment } from '../schema.ts';

type Parameters = Experiment['parameters'];

/** Names that differ in case alone would be the same environment variable. */
function nameProblems(parameters: Parameters, path: ConfigPath): ConfigProblem[] {
  const first = new Map<string, string>();
  return Object.keys(parameters).flatMap((name): ConfigProblem[] => {
    const earlier = first.get(name.toUpperCase());
    first.set(name.toUpperCase(), name);
    if (earlier === undefined) return [];
    const message = `"${name}" and "${earlier}" differ in case alone: both would be KLOROS_PARAM_${name.toUpperCase()}`;
    return [{ path: [...path, 'parameters', name], at: 'key', message }];
  });
}

function conditionProblems(parameters: Parameters, path: ConfigPath): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const [name, parameter] of Object.entries(parameters))
    for (const [other, values] of Object.entries(parameter.when ?? {})) {
      const here = [...path, 'parameters', name, 'when', other];
      const known = Object.hasOwn(parameters, other) ? parameters[other] : undefined;
      if (known === undefined) {
        const hint = didYouMean(other, Object.keys(parameters));
        problems.push({ path: here, at: 'key', message: `there is no parameter ${showValue(other)}${hint}` });
        continue;
      }
      values.forEach((value, i) => {
        const wrong = checkValue(other, known, value);
        if (wrong !== null) problems.push({ path: [...here, i], at: 'value', message: wrong.message });
      });
    }
  return problems;
}

/** Each circle of conditions once, at the condition that closes it. */
function circleProblems(parameters: Parameters, path: ConfigPath): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]): void => {
    for (const other of Object.keys(parameters[name]?.when ?? {})) {
      const start = trail.indexOf(other);
      if (start >= 0) {
        const circle = [...trail.slice(start), other].join(' → ');
        const message = `conditions go in a circle: ${circle}`;
        problems.push({ path: [...path, 'parameters', name, 'when', other], at: 'key', message });
      } else if (!done.has(other)) visit(other, [...trail, other]);
    }
    done.add(name);
  };
  for (const name of Object.keys(parameters)) if (!done.has(name)) visit(name, [name]);
  return problems;
}

interface PlacedClause {
  readonly clause: Clause;
  readonly path: ConfigPath;
}

function compileAll(
  experiment: Experiment,
  path: ConfigPath,
): { clauses: PlacedClause[]; problems: ConfigProblem[] } {
  const clauses: PlacedClause[] = [];
  const problems: ConfigProblem[] = [];
  for (const [section, kind] of [
    ['constraints', 'constraint'],
    ['forbidden', 'forbidden'],
  ] as const)
    experiment[section].forEach((source, i) => {
      const here = [...path, section, i];
      try {
        clauses.push({ clause: compileClause(kind, source, experiment.parameters), path: here });
      } catch (error) {
        problems.push({ path: here, at: 'value', message: (error as KlorosError).message });
      }
    });
  return { clauses, problems };
}

/** What is wrong with the search space as a whole: names, conditions, clauses. */
export function spaceProblems(experiment: Experiment, path: ConfigPath): ConfigProblem[] {
  const { parameters } = experiment;
  return [
    ...compileAll(experiment, path).problems,
    ...nameProblems(parameters, path),
    ...conditionProblems(parameters, path),
    ...circleProblems(parameters, path),
  ];
}

/** What is wrong with the configurations that are written down in a sound space: the defaults, the points to try first. */
export function pointProblems(experiment: Experiment, path: ConfigPath): ConfigProblem[] {
  const defaults = defaultParams(experiment);
  const problems: ConfigProblem[] = [];
  for (const { clause, path: here } of compileAll(experiment, path).clauses) {
    const broken = clause.broken(defaults);
    if (broken !== null)
      problems.push({ path: here, at: 'value', message: `the defaults break it: ${broken}` });
  }
  // Points are completed by the defaults: what is wrong with those is not said again.
  if (problems.length > 0) return problems;
  experiment.search.points.forEach((point, i) => {
    for (const wrong of checkParams(experiment, mergeParams(experiment, defaults, point))) {
      const named = Object.hasOwn(point, wrong.name) ? [wrong.name] : [];
      const here = [...path, 'search', 'points', i, ...named];
      problems.push({ path: here, at: named.length > 0 ? 'key' : 'value', message: wrong.message });
    }
  });
  return problems;
}
