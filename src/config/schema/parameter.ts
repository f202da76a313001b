import { z } from 'zod';
import { parameterName, parameterValue } from './common.ts';

const parameterCommon = {
  description: z.string().optional().describe('what it does, in a sentence'),
  unit: z.string().optional().describe('shown beside the value'),
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
  max_step_day: z
    .number()
    .gt(0)
    .optional()
    .describe('most that the steps within 24 hours may add up to without a person, in shares of the range'),
  max_step_week: z
    .number()
    .gt(0)
    .optional()
    .describe('most that the steps within seven days may add up to without a person, in shares of the range'),
};
const LOW = 'the smallest value, itself allowed';
const HIGH = 'the largest value, itself allowed';
const LOG = 'search by ratios: 16 to 32 is as far as 512 to 1024';
const STEP = 'only low, low + step, low + 2 step, …';

const floatParameter = z.strictObject({
  type: z.literal('float'),
  low: z.number().describe(LOW),
  high: z.number().describe(HIGH),
  log: z.boolean().default(false).describe(LOG),
  step: z.number().gt(0).optional().describe(STEP),
  default: z.number().describe('the value in force before any baseline'),
  ...parameterCommon,
});
const intParameter = z.strictObject({
  type: z.literal('int'),
  low: z.int().describe(LOW),
  high: z.int().describe(HIGH),
  log: z.boolean().default(false).describe(LOG),
  step: z.int().gt(0).optional().describe(STEP),
  default: z.int(),
  ...parameterCommon,
});
const choice = z.union([z.string(), z.number()]);
const categoricalParameter = z.strictObject({
  type: z.enum(['categorical', 'ordinal']),
  choices: z.array(choice).min(1).describe('the values that it may have; those of ordinal in their order'),
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
