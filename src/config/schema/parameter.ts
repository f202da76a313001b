import { z } from 'zod';
import { parameterName, parameterValue } from './common.ts';

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
