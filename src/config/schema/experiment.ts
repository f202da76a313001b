import { z } from 'zod';
import { duration, size } from '../units.ts';
import { command, name, parameterName, parameterValue } from './common.ts';
import { parameterSchema } from './parameter.ts';

export const evaluatorSchema = z
  .strictObject({
    command: command.optional(),
    module: z
      .string()
      .optional()
      .describe('a JavaScript or TypeScript module that exports evaluate(params, context)'),
    env: z
      .record(z.string(), z.string())
      .default({})
      .describe(
        'environment variables of the trial; of its own KLoROS hands on PATH, HOME, LANG and TZ alone',
      ),
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
  metric: name.describe('a key of the JSON object that a trial reports'),
  direction: z.enum(['minimize', 'maximize']).describe('which way is better'),
});
const guardrail = z
  .strictObject({
    metric: name.describe('a key of the JSON object that a trial reports'),
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
  description: z.string().optional().describe('the workload, in a sentence'),
  weight: z.number().gt(0).default(1).describe('share in the search’s score'),
  args: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('handed to the evaluator as context.domainArgs and KLOROS_DOMAIN_ARGS (JSON)'),
});

const apply = z.strictObject({
  file: z.string().describe('the target’s own settings file, relative to kloros.yaml'),
  format: z
    .enum(['json', 'yaml', 'toml', 'ini', 'env', 'template'])
    .describe('of the file; all of it but the parameters stays as it is'),
  template: z
    .string()
    .optional()
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how the template names a parameter
    .describe('for format template: a file with ${name} for each parameter'),
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

const httpUrl = z.url({ protocol: /^https?$/, error: 'a URL that begins with http:// or https://' });

const watch = z.strictObject({
  duration: duration.prefault('10m').describe('how long a new baseline is watched'),
  interval: duration.prefault('1m').describe('between two checks'),
  health: command
    .optional()
    .describe(
      'exit 0 means healthy; without health, http and promql trials of the new and the previous baseline are compared',
    ),
  http: z
    .strictObject({
      url: httpUrl,
      expect_status: z.int().min(100).max(599).default(200).describe('any other answer is unhealthy'),
      timeout: duration.prefault('5s').describe('no answer in time is unhealthy'),
    })
    .optional()
    .describe('healthy when this page answers'),
  promql: z
    .strictObject({
      url: httpUrl.describe('of the Prometheus server, or of what speaks its HTTP API'),
      query: z.string().min(1).describe('PromQL that gives one series'),
      direction: z.enum(['minimize', 'maximize']).describe('which way is better'),
      max_regression: z
        .number()
        .min(0)
        .describe('how much worse than before the apply is still healthy, as a share (0.1: 10 %)'),
      step: duration.prefault('15s').describe('between two values; not shorter than the scrape interval'),
      timeout: duration.prefault('10s').describe('of a query; no answer is no evidence'),
    })
    .optional()
    .describe('a metric of the running target, compared with the time before the apply'),
  timeout: duration.prefault('30s').describe('of the health command'),
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
  sampler: z
    .enum(['auto', 'random', 'sobol', 'evolution', 'tpe'])
    .default('auto')
    .describe('auto: chosen by the space and the budget'),
  seed: z.int().min(0).optional().describe('fixed seed; without it one is drawn and recorded'),
  noise: z
    .boolean()
    .default(true)
    .describe('measurements of one configuration differ; false: none is measured a second time'),
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
  description: z.string().optional().describe('what is tuned, in a sentence'),
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
