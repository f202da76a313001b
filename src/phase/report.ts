import { canonicalJson, sha256Hex } from '../store/json.ts';
import type { EpochPlan, EpochTrial } from './epoch-store.ts';
import type { Race } from './race.ts';
import type { PhaseReport } from './report-schema.ts';
import type { CandidateVerdict } from './types.ts';

/** Everything a report tells of. */
export interface ReportSource {
  readonly id: string;
  readonly plan: EpochPlan;
  readonly zone: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly elapsedMs: number;
  readonly reason: string;
  readonly race: Pick<Race, 'standings' | 'calibrations'>;
  readonly verdicts: readonly CandidateVerdict[];
  readonly trials: readonly EpochTrial[];
}

/** The files of an epoch, paths relative to the home. */
export function reportPaths(id: string): { report: string; html: string; measurements: string } {
  const at = (name: string) => `phase/${id}/${name}`;
  return { report: at('report.json'), html: at('report.html'), measurements: at('measurements.jsonl') };
}

/** One finished trial a line, in the order of measuring. */
function measurementLines(trials: readonly EpochTrial[]): string {
  const line = ({ outputTail: _, params: __, startedAt, durationMs, ...trial }: EpochTrial) =>
    canonicalJson({ ...trial, started_at: startedAt, duration_ms: durationMs });
  return trials.map((trial) => `${line(trial)}\n`).join('');
}

function candidateOf(plan: EpochPlan, v: CandidateVerdict): PhaseReport['candidates'][number] {
  const candidate = plan.request.candidates.find(({ promotionId }) => promotionId === v.promotionId);
  return {
    promotion_id: v.promotionId,
    experiment: v.experiment,
    params: { ...candidate?.params },
    verdict: v.verdict,
    reason: v.reason,
    gain: v.gain,
    low: v.low,
    high: v.high,
    detectable: v.detectable,
    search_score: v.searchScore,
    optimism: optimism(v),
    p_value: v.pValue,
    comparisons: v.comparisons.map(({ pValue, baselineMean, candidateMean, ...c }) => ({
      ...c,
      p_value: pValue,
      baseline_mean: baselineMean,
      candidate_mean: candidateMean,
    })),
  };
}

/** What the search claimed minus what was validated, relative; null where either is not known. */
export function optimism({ searchScore, gain, comparisons }: CandidateVerdict): number | null {
  return searchScore === null || comparisons.length === 0 ? null : searchScore - gain;
}

/** The baseline's own level in each domain: what drift is measured against. */
function baselineLevels(trials: readonly EpochTrial[]): PhaseReport['baseline'] {
  const values = new Map<string, { experiment: string; domain: string; metric: string; all: number[] }>();
  for (const { role, state, experiment, domain, metrics } of trials) {
    if (role !== 'baseline' || state !== 'completed') continue;
    for (const [metric, value] of Object.entries(metrics)) {
      const key = canonicalJson([experiment, domain, metric]);
      const entry = values.get(key) ?? { experiment, domain, metric, all: [] };
      entry.all.push(value);
      values.set(key, entry);
    }
  }
  return [...values.values()].map(({ all, ...where }) => {
    const mean = all.reduce((sum, v) => sum + v, 0) / all.length;
    const squares = all.reduce((sum, v) => sum + (v - mean) ** 2, 0);
    const deviation = all.length < 2 ? null : Math.sqrt(squares / (all.length - 1));
    return { ...where, n: all.length, mean, standard_deviation: deviation };
  });
}

/** The report as it is signed: `text` is written byte for byte. */
export function buildReport(source: ReportSource): {
  report: PhaseReport;
  text: string;
  measurements: string;
} {
  const { plan, race, trials } = source;
  const { request, settings } = plan;
  const measurements = measurementLines(trials);
  const report: PhaseReport = {
    schema: 'kloros.phase-report.v1',
    epoch_id: source.id,
    date: request.date,
    zone: source.zone,
    forced: request.forced,
    started_at: source.startedAt,
    ended_at: source.endedAt,
    elapsed_ms: Math.ceil(source.elapsedMs),
    reason: source.reason,
    baseline_version: request.baseline.version,
    seed: request.seed,
    alpha: plan.alpha,
    min_gain: plan.minGain,
    plan: {
      slices: settings.slices,
      replicas: settings.replicas,
      warmup: settings.warmup,
      calibration: settings.calibration,
    },
    postponed: [...plan.postponed],
    environment: { ...plan.environment },
    candidates: source.verdicts.map((v) => candidateOf(plan, v)),
    race: race.standings.map(({ promotionId, pValue, ...s }) => ({
      ...s,
      promotion_id: promotionId,
      p_value: pValue,
    })),
    calibration: race
      .calibrations()
      .map(({ falsePositive, pValue, ...c }) => ({ ...c, false_positive: falsePositive, p_value: pValue })),
    baseline: baselineLevels(trials),
    trials: { total: trials.length, failed: trials.filter(({ state }) => state === 'failed').length },
    measurements: { file: 'measurements.jsonl', sha256: sha256Hex(measurements) },
  };
  return { report, text: `${JSON.stringify(report, null, 2)}\n`, measurements };
}
