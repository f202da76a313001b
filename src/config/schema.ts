/**
 * The one schema of kloros.yaml: it gives the types, the JSON Schema and the reference table. Durations ("90s",
 * "5m", "24h", "7d") become milliseconds and sizes ("64MiB") bytes when the file is loaded.
 */
import { z } from 'zod';
import { duration, size } from './units.ts';

const name = z
  .string()
  .regex(
    /^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$/,
    'a name (a letter or _, then letters, digits, _ and -, at most 64)',
  );
/** Parameter names are CEL identifiers and environment variables. */
const parameterName = z
  .string()
  .regex(
    /^[a-zA-Z_][a-zA-Z0-9_]{0,63}$/,
    'a parameter name (a letter or _, then letters, digits and _, at most 64)',
  );
const isoZone = z.string().describe('IANA time zone, e.g. Europe/Berlin');
const localTime = z
  .string('a local time as HH:MM')
  .regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'a local time as HH:MM');
const command = z
  .array(z.string().min(1))
  .min(1)
  .describe('program and arguments, run without a shell, in the folder of kloros.yaml');

export type ParameterValue = number | string | boolean;
const parameterValue = z.union([z.number(), z.string(), z.boolean()]);

const parameterCommon = {
  description: z.string().optional(),
  unit: z.string().optional(),
  when: z
    .record(parameterName, z.array(parameterValue).min(1))
    .optional()
    .describe('active only while each named parameter has one of the values listed'),
  autonomy: z
    .enum(['off', 'observe', 'propose', 'guarded', 'auto'])
    .default('auto')
    .describe(
      'how far KLoROS may go alone: off: never changed; observe: searched, never promoted; propose and guarded: a person approves (guarded: only steps beyond max_step); auto: by the rules',
    ),
  risky: z.boolean().default(false).describe('named risky: the escrow rules see it'),
  max_step: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('largest step of one promotion, as a share of the range (0 to 1]'),
};
const floatParameter = z.strictObject({
  type: z.literal('float'),
  low: z.number(),
  high: z.number(),
  log: z.boolean().default(false),
  step: z.number().gt(0).optional(),
  default: z.number().describe('the value in force before any baseline'),
  ...parameterCommon,
});
const intParameter = z.strictObject({
  type: z.literal('int'),
  low: z.int(),
  high: z.int(),
  log: z.boolean().default(false),
  step: z.int().gt(0).optional(),
  default: z.int(),
  ...parameterCommon,
});
const choice = z.union([z.string(), z.number()]);
const categoricalParameter = z.strictObject({
  type: z.enum(['categorical', 'ordinal']),
  choices: z.array(choice).min(1),
  default: choice,
  ...parameterCommon,
});
const booleanParameter = z.strictObject({
  type: z.literal('boolean'),
  default: z.boolean(),
  ...parameterCommon,
});
export const parameterSchema = z.discriminatedUnion('type', [
  floatParameter,
  intParameter,
  categoricalParameter,
  booleanParameter,
]);

export const evaluatorSchema = z
  .strictObject({
    command: command.optional(),
    module: z
      .string()
      .optional()
      .describe('a JavaScript or TypeScript module that exports evaluate(params, context)'),
    env: z.record(z.string(), z.string()).default({}),
  })
  .refine((e) => (e.command === undefined) !== (e.module === undefined), 'name either command or module');

export const limitsSchema = z.strictObject({
  timeout: duration.prefault('60s').describe('wall time of one trial'),
  memory: size.optional().describe('resident memory of the whole process group'),
  cpu: duration.optional().describe('CPU time of the whole process group'),
  output: size.prefault('1MiB').describe('bytes printed to stdout and stderr together, and of metrics'),
  nice: z.int().min(0).max(19).default(0),
});

const objective = z.strictObject({
  metric: name,
  direction: z.enum(['minimize', 'maximize']),
});
const guardrail = z
  .strictObject({
    metric: name,
    direction: z.enum(['minimize', 'maximize']).describe('which way is better'),
    max_regression: z
      .number()
      .min(0)
      .optional()
      .describe('how much worse than the baseline is still accepted, as a share (0.1: 10 %)'),
    limit: z.number().optional().describe('absolute bound, in the metric’s unit'),
  })
  .refine(
    (g) => g.max_regression !== undefined || g.limit !== undefined,
    'name max_regression, limit, or both',
  );

const domain = z.strictObject({
  description: z.string().optional(),
  weight: z.number().gt(0).default(1).describe('share in the search’s score'),
  args: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('handed to the evaluator as context.domainArgs and KLOROS_DOMAIN_ARGS (JSON)'),
});

const apply = z.strictObject({
  file: z.string().describe('the target’s own settings file, relative to kloros.yaml'),
  format: z.enum(['json', 'yaml', 'toml', 'ini', 'env', 'template']),
  template: z.string().optional().describe('for format template: a file with ${name} for each parameter'),
  section: z
    .string()
    .optional()
    .describe('where in the file the parameters stand: a dotted path (JSON, YAML, TOML) or an INI section'),
  keys: z
    .record(parameterName, z.string())
    .default({})
    .describe('the target’s own name for a parameter, where it differs'),
  reload: command.optional(),
  health: command.optional().describe('run after the reload; exit 0 means healthy'),
  timeout: duration.prefault('30s').describe('for reload and health, each'),
});

const watch = z.strictObject({
  duration: duration.prefault('10m').describe('how long a new baseline is watched'),
  interval: duration.prefault('1m').describe('between two checks'),
  health: command
    .optional()
    .describe('exit 0 means healthy; without it, trials of the new and the previous baseline are compared'),
  timeout: duration.prefault('30s'),
  failures: z
    .int()
    .min(1)
    .default(2)
    .describe('checks in a row that must fail before the baseline is taken back'),
  checks: z.int().min(1).default(3).describe('checks that must pass before it is kept'),
  tolerance: z
    .number()
    .min(0)
    .default(0.1)
    .describe('how much worse than the previous baseline a check by trial may be, as a share'),
});

const search = z.strictObject({
  sampler: z.string().default('auto'),
  seed: z.int().min(0).optional().describe('fixed seed; without it one is drawn and recorded'),
  noise: z.boolean().default(true),
  points: z.array(z.record(parameterName, parameterValue)).default([]).describe('tried first'),
  early_stop: z
    .boolean()
    .default(true)
    .describe('stop a trial whose intermediate metrics are worse than the median of the earlier ones'),
  screen: z
    .strictObject({
      top: z.int().min(1).default(3).describe('finalists measured again beside the baseline'),
      repeats: z.int().min(2).default(3).describe('interleaved measurements in each domain'),
    })
    .prefault({}),
  winners: z.int().min(1).default(2).describe('promotions that a cycle may write'),
});

export const experimentSchema = z.strictObject({
  description: z.string().optional(),
  parameters: z
    .record(parameterName, parameterSchema)
    .refine((p) => Object.keys(p).length > 0, 'at least one parameter'),
  constraints: z.array(z.string()).default([]).describe('CEL over the parameters; each must be true'),
  forbidden: z.array(z.string()).default([]).describe('CEL over the parameters; none may be true'),
  evaluator: evaluatorSchema,
  limits: limitsSchema.prefault({}),
  objectives: z.array(objective).min(1),
  guardrails: z.array(guardrail).default([]),
  domains: z.record(name, domain).refine((d) => Object.keys(d).length > 0, 'at least one domain'),
  budget: z
    .strictObject({
      trials: z
        .int()
        .min(1)
        .default(40)
        .describe('configurations that a cycle evaluates, each in every domain'),
      duration: duration.prefault('30m').describe('of a cycle, screening included'),
    })
    .prefault({}),
  search: search.prefault({}),
  apply: apply.optional(),
  watch: watch.prefault({}),
});

const phase = z.strictObject({
  window: z
    .strictObject({
      start: localTime.default('03:00'),
      end: localTime.default('07:00').describe('exclusive; before start means the next day'),
      zone: isoZone.default('UTC'),
    })
    .prefault({}),
  alpha: z
    .number()
    .gt(0)
    .lt(0.5)
    .default(0.05)
    .describe('family-wise error over candidates, domains and guardrails'),
  slices: z
    .int()
    .min(1)
    .default(4)
    .describe('rounds over all domains; environment changes show between them'),
  replicas: z
    .int()
    .min(1)
    .default(4)
    .describe('blocks in each slice and domain; a block measures the baseline and each candidate'),
  warmup: z.int().min(0).default(1).describe('measurements discarded at the start of each domain'),
  candidates: z.int().min(1).default(4).describe('promotions that one epoch takes at most, best first'),
  min_gain: z.number().min(0).default(0.01).describe('smallest relative gain that is worth a change'),
  max_duration: duration.prefault('4h'),
  attempts: z.int().min(1).default(3).describe('inconclusive epochs before a promotion is rejected'),
  baseline_check: duration
    .optional()
    .describe('measure the baseline alone when its last epoch is older than this'),
  calibration: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.1)
    .describe('share of the blocks in which the baseline is measured against itself'),
});

const promotions = z.strictObject({
  ttl: duration.prefault('7d').describe('a promotion that waits longer is expired'),
  max_waiting: z.int().min(1).default(1000),
});

const escrow = z.strictObject({
  rules: z
    .array(
      z.strictObject({
        when: z.string().describe('CEL over changes, risky, gain, experiment, source'),
        reason: z.string(),
      }),
    )
    .default([]),
  expires: duration.prefault('3d'),
  notify: command.optional().describe('told of each waiting entry: JSON on stdin'),
});

const governor = z.strictObject({
  concurrent_trials: z.int().min(1).default(2),
  trials_per_hour: z.int().min(1).default(3600),
  min_free_disk: size.prefault('512MiB'),
  breaker: z
    .strictObject({
      failures: z.int().min(1).default(5).describe('failed trials in a row that open the breaker'),
      cooldown: duration.prefault('5m'),
    })
    .prefault({}),
});

const intents = z.strictObject({
  per_tick: z.int().min(1).max(10).default(10),
  max_waiting: z.int().min(1).default(50),
  stale_after: duration.prefault('24h'),
  attempts: z.int().min(1).default(3),
});

const reflection = z.strictObject({
  idle: duration.prefault('10m').describe('nothing else happened for this long'),
  every: duration.prefault('6h'),
  intents_per_day: z.int().min(0).default(4),
  stale_baseline: duration.prefault('14d').describe('search again when no cycle ran for this long'),
  drift: z
    .number()
    .gt(0)
    .default(0.15)
    .describe('relative change of the baseline’s own level that counts as drift'),
});

const retention = z.strictObject({
  baselines: z.int().min(2).default(10),
  cycles: z.int().min(1).default(200).describe('cycles whose trials are kept'),
  log_size: size.prefault('10MiB'),
  log_files: z.int().min(1).default(5),
});

export const configSchema = z.strictObject({
  version: z.literal(1),
  database: z.literal('sqlite').default('sqlite'),
  experiments: z
    .record(name, experimentSchema)
    .refine((e) => Object.keys(e).length > 0, 'at least one experiment'),
  phase: phase.prefault({}),
  promotions: promotions.prefault({}),
  escrow: escrow.prefault({}),
  governor: governor.prefault({}),
  intents: intents.prefault({}),
  reflection: reflection.prefault({}),
  retention: retention.prefault({}),
  retry: z
    .strictObject({
      attempts: z.int().min(1).default(3).describe('tries of a failed epoch or cycle'),
      first_pause: duration.prefault('5m').describe('doubles with each try'),
    })
    .prefault({}),
  tick: z.strictObject({ interval: duration.prefault('60s') }).prefault({}),
});

export type Config = z.output<typeof configSchema>;
export type Experiment = Config['experiments'][string];
export type Parameter = z.output<typeof parameterSchema>;
export type Evaluator = z.output<typeof evaluatorSchema>;
export type TrialLimits = z.output<typeof limitsSchema>;
export type Objective = Experiment['objectives'][number];
export type Guardrail = Experiment['guardrails'][number];
export type ApplyConfig = NonNullable<Experiment['apply']>;
export type WatchConfig = Experiment['watch'];
export type WindowConfig = Config['phase']['window'];
