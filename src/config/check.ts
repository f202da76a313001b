/** A configuration file against the schema and against sense. The heavy modules are loaded with this one. */
import { basename, join } from 'node:path';
import { type ConfigDocument, readDocument } from './document.ts';
import type { ConfigProblem, LocatedProblem } from './problem.ts';
import { type Config, configSchema, experimentSchema, parameterSchema } from './schema.ts';
import { experimentProblems } from './semantic/experiment.ts';
import { escrowProblems, windowProblems } from './semantic/loop.ts';
import { parameterProblems } from './semantic/parameter.ts';
import { pointProblems, spaceProblems } from './semantic/space.ts';
import { type Places, targetProblems } from './semantic/targets.ts';
import { shapeProblems } from './shape.ts';
import type { ConfigSource } from './source.ts';

export type CheckedConfig =
  | { readonly ok: true; readonly config: Config; readonly lines: ReadonlyMap<string, number> }
  | { readonly ok: false; readonly broken: boolean; readonly problems: readonly LocatedProblem[] };

function entriesOf(value: unknown, key: string): [string, unknown][] {
  const inner = (value as Record<string, unknown> | null | undefined)?.[key];
  return inner !== null && typeof inner === 'object' ? Object.entries(inner) : [];
}

/** The mistakes of one experiment: of each sound parameter, and when all of it is sound, of the whole. */
function experimentMistakes(name: string, raw: unknown): ConfigProblem[] {
  const path = ['experiments', name];
  const own = entriesOf(raw, 'parameters').flatMap(([parameter, value]) => {
    const parsed = parameterSchema.safeParse(value);
    return parsed.success
      ? parameterProblems(parameter, parsed.data, [...path, 'parameters', parameter])
      : [];
  });
  const parsed = experimentSchema.safeParse(raw);
  if (!parsed.success) return own;
  const space = spaceProblems(parsed.data, path);
  const points = own.length + space.length === 0 ? pointProblems(parsed.data, path) : [];
  return [...own, ...space, ...points, ...experimentProblems(parsed.data, path)];
}

/** The mistakes of sense in every part whose shape is sound, so that one run of the check shows as much as it can. */
function senseProblems(raw: unknown, places: Places): ConfigProblem[] {
  const { phase, escrow } = configSchema.shape;
  const sections = raw as Record<string, unknown>;
  const problems = entriesOf(raw, 'experiments').flatMap(([name, value]) => experimentMistakes(name, value));
  const parsedPhase = phase.safeParse(sections.phase);
  if (parsedPhase.success) problems.push(...windowProblems(parsedPhase.data.window));
  const parsedEscrow = escrow.safeParse(sections.escrow);
  if (parsedEscrow.success) problems.push(...escrowProblems(parsedEscrow.data));
  const whole = configSchema.shape.experiments.safeParse(sections.experiments);
  if (whole.success) problems.push(...targetProblems(whole.data, places));
  return problems;
}

/** What YAML could not give stands as null in the value: what the schema says of it is no news. */
function isNews(problem: ConfigProblem, document: ConfigDocument): boolean {
  const path = problem.path.join('.');
  return !document.problems.some(
    (earlier) => path === earlier.path || (earlier.path !== '' && path.startsWith(`${earlier.path}.`)),
  );
}

function byPlace(a: LocatedProblem, b: LocatedProblem): number {
  return a.line - b.line || a.column - b.column;
}

/**
 * Checks a configuration: syntax, then shape and sense, every mistake at once with its place. Nothing is thrown for
 * what the file holds. `home` is where KLoROS keeps its own state, absolute and without links, if it is known: no
 * target may be in there.
 */
export function checkSource(source: ConfigSource, home?: string): CheckedConfig {
  const document = readDocument(source.file, source.bytes);
  if (document.broken) return { ok: false, broken: true, problems: document.problems };
  const parsed = configSchema.safeParse(document.value);
  const found = parsed.success ? [] : shapeProblems(parsed.error.issues, document.value);
  if (document.value !== null && typeof document.value === 'object') {
    const file = join(source.realDir, basename(source.file));
    found.push(...senseProblems(document.value, { file, dir: source.realDir, home }));
  }
  const problems = [
    ...document.problems,
    ...found.filter((problem) => isNews(problem, document)).map((problem) => document.locate(problem)),
  ];
  if (parsed.success && problems.length === 0)
    return { ok: true, config: parsed.data, lines: document.lines() };
  return { ok: false, broken: false, problems: problems.sort(byPlace) };
}
