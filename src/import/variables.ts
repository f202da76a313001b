import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { jsonNames, readOld, readOldJson } from './read-old.ts';
import type { ImportItem, OldHome } from './types.ts';

/** What the first system's own variables are here. */
const COUNTERPARTS: Readonly<Record<string, (value: string) => string>> = {
  KLR_ORCHESTRATION_MODE: (value) =>
    value === 'enabled'
      ? 'kloros enable, when you are ready; the variable overrides it'
      : 'the home is disabled until `kloros enable`',
  KLR_MAX_INTENT_QUEUE: (value) => `kloros.yaml: intents.max_waiting: ${value}`,
  KLR_INTENT_DEDUP_WINDOW: () =>
    'nothing to set: equal intents are one while they wait and within intents.stale_after',
};

/** NAME=value lines; comments and `export` are left out, and quotes around a value. */
function assignments(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value = ''] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line) ?? [];
    if (name !== undefined) found.set(name, value.trim().replace(/^(["'])(.*)\1$/, '$2'));
  }
  return found;
}

/** Which variable a promotion's `apply_map` wrote which parameter to. */
function appliedVariables(old: OldHome): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of jsonNames(old, old.promotions)) {
    const read = readOldJson(old, join(old.promotions ?? '', name));
    const map = 'do' in read ? null : read.value.apply_map;
    if (map === null || typeof map !== 'object') continue;
    for (const [parameter, variable] of Object.entries(map as Record<string, unknown>))
      if (typeof variable === 'string') found.set(variable, parameter);
  }
  return found;
}

/** The parameter of kloros.yaml that goes by this name or the name that a promotion mapped to it, as a dotted path. */
function parameterFor(config: Config, variable: string, mapped: string | undefined): string | null {
  const wanted = mapped ?? variable.replace(/^KLR_/, '').toLowerCase();
  for (const [name, experiment] of Object.entries(config.experiments))
    if (Object.hasOwn(experiment.parameters, wanted)) return `experiments.${name}.parameters.${wanted}`;
  return null;
}

/**
 * What each KLR_ variable is here. KLoROS never writes its own rules, so they become advice. Values are told of
 * variables that are known to be settings alone: others may be secrets.
 */
export function readVariables(old: OldHome, config: Config): ImportItem[] {
  const mapped = appliedVariables(old);
  return old.environments.flatMap((file): ImportItem[] => {
    const read = readOld(old, file);
    if ('do' in read) return [{ kind: 'variable', source: file, name: file, outcome: read }];
    return [...assignments(read.text)]
      .filter(([name]) => name.startsWith('KLR_') || mapped.has(name))
      .map(([name, value]): ImportItem => {
        const parameter = parameterFor(config, name, mapped.get(name));
        const advice =
          COUNTERPARTS[name]?.(value) ??
          (parameter === null
            ? 'it has no counterpart: set it for your evaluator (evaluator.env), or drop it'
            : `kloros.yaml: ${parameter}.default: ${value}   # and apply.keys: { ${parameter.split('.').at(-1)}: ${name} }`);
        return { kind: 'variable', source: file, name, outcome: { do: 'advise', advice } };
      });
  });
}
