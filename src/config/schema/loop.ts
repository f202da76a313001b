/** The sections of the loop itself, one for all experiments. */
import { z } from 'zod';
import { duration, size } from '../units.ts';
import { command } from './common.ts';

const isoZone = z.string().describe('IANA time zone, e.g. Europe/Berlin');
const localTime = z
  .string('a local time as HH:MM')
  .regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'a local time as HH:MM');

export const dream = z.strictObject({
  command: command
    .optional()
    .describe('a program that searches in place of D-REAM, and drops promotions; PHASE validates them'),
  timeout: duration.prefault('30m').describe('of that program; it exits as a timeout (124)'),
});

export const phase = z.strictObject({
  window: z
    .strictObject({
      start: localTime.default('03:00').describe('local time in the zone'),
      end: localTime.default('07:00').describe('exclusive; before start means the next day'),
      zone: isoZone.default('UTC'),
    })
    .prefault({}),
  command: command
    .optional()
    .describe('a program that validates in place of PHASE, and signs its report under the epoch it is given'),
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
  max_duration: duration.prefault('4h').describe('of an epoch, even where the window is longer'),
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

export const promotions = z.strictObject({
  ttl: duration.prefault('7d').describe('a promotion that waits longer is expired'),
  max_waiting: z.int().min(1).default(1000),
});

export const escrow = z.strictObject({
  rules: z
    .array(
      z.strictObject({
        when: z.string().describe('CEL over changes, risky, gain, experiment, source'),
        reason: z.string().describe('what the person who decides is told'),
      }),
    )
    .default([]),
  expires: duration.prefault('3d').describe('how long an entry waits, and an approval holds'),
  notify: command
    .optional()
    .describe(
      'told of each waiting entry: JSON on stdin; tried again with growing pauses until it exits with 0',
    ),
  notify_timeout: duration.prefault('10s').describe('a tick waits no longer for the notify command'),
  four_eyes: z
    .boolean()
    .default(false)
    .describe('two different people approve, neither of them the one who asked for the change'),
  flap_versions: z
    .int()
    .min(0)
    .default(6)
    .describe('a parameter that goes back to a value of so many versions before is frozen; 0: never'),
});

export const governor = z.strictObject({
  concurrent_trials: z.int().min(1).default(2).describe('trials under way at once, of all experiments'),
  trials_per_hour: z.int().min(1).default(3600).describe('started in any hour'),
  min_free_disk: size.prefault('512MiB').describe('with less, no trial starts'),
  breaker: z
    .strictObject({
      failures: z.int().min(1).default(5).describe('failed trials in a row that open the breaker'),
      cooldown: duration.prefault('5m').describe('until an open breaker lets one trial try again'),
    })
    .prefault({}),
});

export const intents = z.strictObject({
  per_tick: z.int().min(1).max(10).default(10).describe('handled in one tick at most'),
  max_waiting: z.int().min(1).default(50).describe('beyond it the least urgent and oldest are dropped'),
  stale_after: duration.prefault('24h').describe('one that waits longer is dropped'),
  attempts: z.int().min(1).default(3).describe('failed tries after which one is quarantined'),
});

export const reflection = z.strictObject({
  idle: duration.prefault('10m').describe('nothing else happened for this long'),
  every: duration.prefault('6h').describe('between two reflections'),
  intents_per_day: z.int().min(0).default(4).describe('that reflection drops at most'),
  stale_baseline: duration.prefault('14d').describe('search again when no cycle ran for this long'),
  drift: z
    .number()
    .gt(0)
    .default(0.15)
    .describe('relative change of the baseline’s own level that counts as drift'),
});

export const retention = z.strictObject({
  baselines: z
    .int()
    .min(2)
    .default(10)
    .describe('versions whose files are kept; pinned, watched and awaited ones stay beside them'),
  cycles: z.int().min(1).default(200).describe('cycles whose trials are kept'),
  log_size: size.prefault('10MiB').describe('of logs/structured.jsonl before it is rotated'),
  log_files: z.int().min(1).default(5).describe('log files that are kept, the present one included'),
  log_age: duration.prefault('30d').describe('log lines that are older go with the next rotation'),
});

export const metrics = z.strictObject({
  textfile: z
    .string()
    .regex(/\.prom$/, 'a path that ends in .prom, which is what node_exporter reads')
    .optional()
    .describe('each tick writes its metrics there, for the textfile collector of node_exporter'),
});
