import type { Params } from '../config/parameters.ts';
import type { Experiment, Parameter, ParameterValue } from '../config/schema.ts';
import { autonomyNow, type Demotions } from './autonomy.ts';
import type { Autonomy } from './types.ts';

/** What happens to one parameter, as escrow rules and reviewers see it. */
export interface Change {
  readonly name: string;
  /** Null where the parameter is inactive before or after. */
  readonly from: ParameterValue | null;
  readonly to: ParameterValue | null;
  /** Size of the step as a share of the range, 0 to 1 (of its logarithm for log parameters; 1 for another choice). */
  readonly step_share: number;
  readonly risky: boolean;
  /** What is in force: what the configuration grants, less what a surprise took away. */
  readonly autonomy: Autonomy;
  readonly max_step: number | null;
}

/** Size of a step as a share of the range, 0 to 1: of its logarithm for log parameters; 1 for another choice. */
export function stepShare(
  parameter: Parameter,
  from: ParameterValue | null,
  to: ParameterValue | null,
): number {
  if (from === to) return 0;
  if (parameter.type === 'ordinal' && from !== null && to !== null) {
    const choices: readonly ParameterValue[] = parameter.choices;
    const distance = Math.abs(choices.indexOf(from) - choices.indexOf(to));
    return Math.min(1, distance / Math.max(1, choices.length - 1));
  }
  const numeric = parameter.type === 'float' || parameter.type === 'int';
  if (!numeric || typeof from !== 'number' || typeof to !== 'number') return 1;
  const scale = parameter.log ? Math.log : (x: number) => x;
  const share = Math.abs(scale(to) - scale(from)) / (scale(parameter.high) - scale(parameter.low));
  // A value from before the bounds were narrowed may be further away than the range is long.
  return Number.isFinite(share) ? Math.min(1, share) : 1;
}

/** Every parameter that differs between two complete configurations, by name. Pure. */
export function changesBetween(
  experiment: Pick<Experiment, 'parameters'>,
  from: Params,
  to: Params,
  demotions: Demotions = new Map(),
): Change[] {
  return Object.entries(experiment.parameters)
    .filter(([name]) => from[name] !== to[name])
    .map(([name, parameter]) => {
      const before = from[name] ?? null;
      const after = to[name] ?? null;
      const { risky, max_step } = parameter;
      const autonomy = autonomyNow(parameter, demotions.get(name));
      const step_share = stepShare(parameter, before, after);
      return { name, from: before, to: after, step_share, risky, autonomy, max_step: max_step ?? null };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
