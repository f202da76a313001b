import { checkParams, defaultParams, mergeParams, type Params, showValue } from '../config/parameters.ts';
import type { Config, Experiment } from '../config/schema.ts';
import { canonicalJson } from '../store/json.ts';
import type { PromotionDocument } from './document.ts';

/** The baseline that promotions are read against. */
export interface BaselineInForce {
  readonly version: number;
  /** Experiment → complete configuration. */
  readonly params: Readonly<Record<string, Params>>;
}

export type CheckResult =
  | { readonly ok: true; readonly experiment: string; readonly changes: Params }
  | { readonly ok: false; readonly experiment: string | null; readonly reason: string };

/** So many problems are named in an answer; the rest are counted. */
const NAMED = 5;

const names = (list: readonly string[]) => list.map(showValue).join(', ');

/** The experiment that it names, the only one there is, or the only one that has all of its parameters. */
function experimentFor(config: Config, document: PromotionDocument): { name: string } | { reason: string } {
  const all = Object.keys(config.experiments);
  if (document.experiment !== null)
    return Object.hasOwn(config.experiments, document.experiment)
      ? { name: document.experiment }
      : { reason: `there is no experiment ${showValue(document.experiment)}; there are: ${names(all)}` };
  const [first, ...others] = all;
  if (first !== undefined && others.length === 0) return { name: first };
  const changed = Object.keys(document.changes);
  const matching = Object.entries(config.experiments)
    .filter(([, { parameters }]) => changed.every((name) => Object.hasOwn(parameters, name)))
    .map(([name]) => name);
  const [match] = matching;
  if (match !== undefined && matching.length === 1) return { name: match };
  const found = matching.length === 0 ? 'no experiment has' : `${names(matching)} each have`;
  return { reason: `it names no experiment, and ${found} the parameters ${names(changed)}` };
}

/** Changes of parameters that KLoROS may not change at all. */
function autonomyProblems(experiment: Experiment, base: Params, changes: Params): string[] {
  return Object.entries(changes).flatMap(([name, value]) => {
    if (base[name] === value) return [];
    const autonomy = experiment.parameters[name]?.autonomy;
    return autonomy === 'off' || autonomy === 'observe' ? [`${name} is never changed (${autonomy})`] : [];
  });
}

function problemsOf(experiment: Experiment, base: Params, changes: Params): string[] {
  if (Object.keys(changes).length === 0) return ['it changes nothing: changes is empty'];
  const merged = mergeParams(experiment, base, changes);
  const found = checkParams(experiment, merged).map((problem) => problem.message);
  if (found.length === 0) found.push(...autonomyProblems(experiment, base, changes));
  if (found.length === 0 && canonicalJson(merged) === canonicalJson(mergeParams(experiment, base, {})))
    found.push('it changes nothing: the baseline has these values already');
  return found;
}

/**
 * Whether what a promotion asks for may be tried at all: a known experiment, known parameters, types, bounds, steps,
 * constraints, on top of the baseline in force. Fails closed. Pure.
 */
export function checkPromotion(
  config: Config,
  baseline: BaselineInForce,
  document: PromotionDocument,
): CheckResult {
  const found = experimentFor(config, document);
  if ('reason' in found) return { ok: false, experiment: null, reason: found.reason };
  const { name } = found;
  const refuse = (reason: string): CheckResult => ({ ok: false, experiment: name, reason });
  const experiment = config.experiments[name];
  if (experiment === undefined) return refuse(`there is no experiment ${showValue(name)}`);
  if (document.baselineVersion !== null && document.baselineVersion > baseline.version)
    return refuse(
      `baseline version ${document.baselineVersion} does not exist; ${baseline.version} is in force`,
    );
  const base = baseline.params[name] ?? defaultParams(experiment);
  // Checked below, value by value: what is ill-typed is refused.
  const changes = document.changes as Params;
  const problems = problemsOf(experiment, base, changes);
  if (problems.length === 0) return { ok: true, experiment: name, changes };
  const more = problems.length > NAMED ? ` (and ${problems.length - NAMED} more)` : '';
  return refuse(`${problems.slice(0, NAMED).join('; ')}${more}`);
}
