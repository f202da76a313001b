/**
 * The one schema of kloros.yaml: it gives the types, the JSON Schema and the reference table. Durations ("90s",
 * "5m", "24h", "7d") become milliseconds and sizes ("64MiB") bytes when the file is loaded.
 */
import { z } from 'zod';
import { name } from './schema/common.ts';
import { type evaluatorSchema, experimentSchema, type limitsSchema } from './schema/experiment.ts';
import {
  dream,
  escrow,
  governor,
  intents,
  metrics,
  phase,
  promotions,
  reflection,
  retention,
} from './schema/loop.ts';
import type { parameterSchema } from './schema/parameter.ts';
import { duration } from './units.ts';

export type { ParameterValue } from './schema/common.ts';
export { experimentSchema } from './schema/experiment.ts';
export { parameterSchema } from './schema/parameter.ts';

export const configSchema = z.strictObject({
  version: z.literal(1).describe('of this format'),
  database: z.literal('sqlite').default('sqlite').describe('where the ledger and the state are'),
  experiments: z
    .record(name, experimentSchema)
    .refine((e) => Object.keys(e).length > 0, 'at least one experiment'),
  dream: dream.prefault({}),
  phase: phase.prefault({}),
  promotions: promotions.prefault({}),
  escrow: escrow.prefault({}),
  governor: governor.prefault({}),
  intents: intents.prefault({}),
  reflection: reflection.prefault({}),
  retention: retention.prefault({}),
  metrics: metrics.prefault({}),
  retry: z
    .strictObject({
      attempts: z.int().min(1).default(3).describe('tries of a failed epoch or cycle'),
      first_pause: duration.prefault('5m').describe('doubles with each try'),
    })
    .prefault({}),
  tick: z
    .strictObject({ interval: duration.prefault('60s').describe('between two ticks of `kloros run`') })
    .prefault({}),
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
