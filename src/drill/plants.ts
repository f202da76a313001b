import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Params } from '../config/parameters.ts';
import type { Experiment, ParameterValue } from '../config/schema.ts';
import type { Context } from '../context.ts';
import { Prng } from '../dream/prng.ts';
import { changesFrom, promotable, searchable } from '../dream/promotable.ts';
import { compileSpace } from '../dream/space.ts';
import { type Behaviour, keyOf } from './evaluator.ts';

/** A configuration in bounds, and how it behaves. */
export interface Plant {
  readonly behaviour: Behaviour;
  readonly params: Params;
  readonly changes: Params;
}

/** So many configurations are drawn to find distinct ones that may be promoted. */
const DRAWS = 500;

/** As many distinct configurations in bounds as there are behaviours, or as the space has; in the order given. */
export function choosePlants(
  experiment: Experiment,
  baseline: Params,
  behaviours: readonly Behaviour[],
): Plant[] {
  const space = compileSpace(searchable(experiment, baseline));
  const random = new Prng(1);
  const found = new Map<string, Params>();
  for (let draw = 0; draw < DRAWS && found.size < behaviours.length; draw++) {
    const params = promotable(experiment, baseline, space.sample(random).params);
    if (params !== null) found.set(keyOf(params), params);
  }
  return [...found.values()].flatMap((params, i) => {
    const behaviour = behaviours[i];
    return behaviour ? [{ behaviour, params, changes: changesFrom(baseline, params) }] : [];
  });
}

/** A parameter that may be promoted, with a value that it must never have; null when all are held back. */
export function outOfBounds(experiment: Experiment): { name: string; value: ParameterValue } | null {
  const found = Object.entries(experiment.parameters).find(
    ([, { autonomy }]) => autonomy !== 'off' && autonomy !== 'observe',
  );
  if (!found) return null;
  const [name, parameter] = found;
  if (parameter.type === 'float' || parameter.type === 'int')
    return { name, value: parameter.high + Math.ceil(parameter.high - parameter.low) + 1 };
  return { name, value: 'no such choice' };
}

/** Drops a promotion into the sandbox: `changes` as JSON, or as text that is none. */
export function plant(ctx: Context, experiment: string, id: string, changes: Params | string): void {
  const text = typeof changes === 'string' ? changes : JSON.stringify(changes);
  const head = JSON.stringify({ schema: 'v2', id, timestamp: 1, fitness: 1, experiment });
  writeFileSync(join(ctx.paths.promotions, `${id}.json`), `${head.slice(0, -1)},"changes":${text}}\n`);
}
