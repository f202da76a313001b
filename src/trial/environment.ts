import type { ParameterValue } from '../config/schema.ts';
import type { Scratch } from './scratch.ts';
import type { TrialRequest } from './types.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/** What is passed on from KLoROS's own environment: enough to find programs, nothing that holds a secret. */
function inherited(env: Environment): Record<string, string> {
  return {
    PATH: env.PATH ?? DEFAULT_PATH,
    LANG: env.LANG ?? 'C.UTF-8',
    ...(env.HOME === undefined ? {} : { HOME: env.HOME }),
    ...(env.TZ === undefined ? {} : { TZ: env.TZ }),
  };
}

/** `cache_size` as KLOROS_PARAM_CACHE_SIZE; booleans as true and false. */
function parameterVariables(params: Readonly<Record<string, ParameterValue>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [`KLOROS_PARAM_${name.toUpperCase()}`, String(value)]),
  );
}

/** NAME=value that only the processes of this trial were started with. */
export const markerOf = (scratch: Pick<Scratch, 'work'>): string => `KLOROS_SCRATCH=${scratch.work}`;

/**
 * The environment of a trial, built from nothing: a few variables of KLoROS's own, what the evaluator's configuration
 * sets, and the protocol's KLOROS_ variables, which nothing overrides (design: section 8).
 */
export function trialEnvironment(
  request: TrialRequest,
  scratch: Scratch,
  env: Environment,
): Record<string, string> {
  return {
    ...inherited(env),
    // Temporary files of any tool go where they are removed with the trial.
    TMPDIR: scratch.work,
    ...request.evaluator.env,
    KLOROS_TRIAL: request.id,
    KLOROS_EXPERIMENT: request.experiment,
    KLOROS_DOMAIN: request.domain,
    KLOROS_DOMAIN_ARGS: JSON.stringify(request.domainArgs),
    KLOROS_SEED: String(request.seed),
    KLOROS_PARAMS: scratch.paramsFile,
    KLOROS_METRICS: scratch.metricsFile,
    KLOROS_SCRATCH: scratch.work,
    ...parameterVariables(request.params),
  };
}
