import { isAbsolute, relative, resolve } from 'node:path';
import type { ConfigProblem } from '../problem.ts';
import type { ApplyConfig, Experiment } from '../schema.ts';

export interface Places {
  /** Absolute path of kloros.yaml. */
  readonly file: string;
  /** Absolute path of its folder. */
  readonly dir: string;
  /** Absolute path of the home; unknown when a configuration is checked by itself. */
  readonly home: string | undefined;
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way));
}

function forbidden(path: string, template: string | undefined, places: Places): string | null {
  if (path === places.file) return 'KLoROS never writes its own configuration';
  if (path === template) return 'the template itself would be overwritten';
  if (places.home !== undefined && isInside(places.home, path))
    return `${path} is inside the home of KLoROS: name a file of the target`;
  return null;
}

interface Claim {
  readonly experiment: string;
  readonly path: string;
  readonly format: ApplyConfig['format'];
  readonly keys: ReadonlySet<string>;
}

function claimOf(experiment: string, apply: ApplyConfig, parameters: readonly string[], path: string): Claim {
  const keys = parameters.map((name) => {
    const key = Object.hasOwn(apply.keys, name) ? apply.keys[name] : name;
    return `${apply.section ?? ''}\0${key}`;
  });
  return { experiment, path, format: apply.format, keys: new Set(keys) };
}

/** Two experiments may share a file only when it has one format and each keeps to keys of its own. */
function disagree(a: Claim, b: Claim): boolean {
  if (a.path !== b.path) return false;
  return a.format !== b.format || a.format === 'template' || !a.keys.isDisjointFrom(b.keys);
}

/** What is wrong with the files that baselines are written to: each place has one owner, and none is KLoROS's own. */
export function targetProblems(
  experiments: Readonly<Record<string, Experiment>>,
  places: Places,
): ConfigProblem[] {
  const claims: Claim[] = [];
  return Object.entries(experiments).flatMap(([name, { apply, parameters }]): ConfigProblem[] => {
    if (apply === undefined) return [];
    const path = resolve(places.dir, apply.file);
    const template = apply.template === undefined ? undefined : resolve(places.dir, apply.template);
    const claim = claimOf(name, apply, Object.keys(parameters), path);
    const other = claims.find((earlier) => disagree(earlier, claim));
    claims.push(claim);
    const message =
      forbidden(path, template, places) ??
      (other &&
        `the experiments ${other.experiment} and ${name} would write over each other in ${apply.file}`);
    return message === undefined
      ? []
      : [{ path: ['experiments', name, 'apply', 'file'], at: 'value', message }];
  });
}
