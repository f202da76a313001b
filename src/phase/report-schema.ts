/** The schema of phase/<epoch>/report.json. Effects and gains are relative: 0.1 is 10 % better; null: cannot be said. */
import { z } from 'zod';

const limit = z.number().nullable();
const count = z.int().min(0);
const verdictWord = z.enum(['accept', 'reject', 'inconclusive', 'error']);

const comparison = z.strictObject({
  domain: z.string().describe('* means pooled over all domains by their weights'),
  metric: z.string(),
  role: z.enum(['objective', 'guardrail']),
  against: z.enum(['baseline', 'limit']),
  pairs: count,
  effect: z.number(),
  low: limit,
  high: limit,
  p_value: z.number(),
  baseline_mean: z.number(),
  candidate_mean: z.number(),
  ok: z.boolean(),
  reason: z.string(),
});

const candidate = z.strictObject({
  promotion_id: z.string(),
  experiment: z.string(),
  params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  verdict: verdictWord,
  reason: z.string(),
  gain: z.number().describe('shrunken for the winner’s curse'),
  low: limit,
  high: limit,
  detectable: limit,
  search_score: limit,
  optimism: limit.describe('what the search claimed minus what was validated'),
  p_value: z.number(),
  comparisons: z.array(comparison),
});

const look = z.strictObject({
  slice: count,
  promotion_id: z.string(),
  verdict: verdictWord,
  gain: z.number(),
  low: limit,
  high: limit,
  p_value: z.number(),
});

const calibration = z.strictObject({
  experiment: z.string(),
  metric: z.string(),
  pairs: count,
  effect: z.number(),
  low: limit,
  high: limit,
  spread: limit.describe('standard deviation of one pair, in log units'),
  detectable: limit,
  p_value: z.number(),
  false_positive: z.boolean(),
  doubtful: z.boolean().describe('nothing is accepted beside it'),
});

const level = z.strictObject({
  experiment: z.string(),
  domain: z.string(),
  metric: z.string(),
  n: count,
  mean: z.number(),
  standard_deviation: limit,
});

export const reportSchema = z.strictObject({
  schema: z.literal('kloros.phase-report.v1'),
  epoch_id: z.string(),
  date: z.iso.date(),
  zone: z.string(),
  forced: z.boolean(),
  started_at: z.number().describe('ms since the Unix epoch'),
  ended_at: z.number(),
  elapsed_ms: z.number(),
  reason: z.string(),
  baseline_version: count,
  seed: count,
  alpha: z.number().describe('family-wise error of all acceptances together'),
  min_gain: z.number(),
  plan: z.strictObject({ slices: count, replicas: count, warmup: count, calibration: z.number() }),
  postponed: z.array(z.string()),
  environment: z.record(z.string(), z.string()),
  candidates: z.array(candidate),
  race: z.array(look),
  calibration: z.array(calibration),
  baseline: z.array(level),
  trials: z.strictObject({ total: count, failed: count }),
  measurements: z.strictObject({ file: z.literal('measurements.jsonl'), sha256: z.string() }),
});

export type PhaseReport = z.output<typeof reportSchema>;
