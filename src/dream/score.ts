import type { Experiment, Guardrail, Objective } from '../config/schema.ts';

export type Metrics = Readonly<Record<string, number>>;
/** Metrics of one configuration by domain. */
export type ByDomain = ReadonlyMap<string, Metrics>;

/** What decides how good a configuration is. */
export type Judged = Pick<Experiment, 'objectives' | 'guardrails' | 'domains'>;

/** How a configuration compares with the baseline. */
export interface Score {
  /** Mean log-gain of each objective over the domains measured, by their weights; positive is better. */
  readonly gains: readonly number[];
  /** Log-gain of each objective in each domain measured. */
  readonly byDomain: ReadonlyMap<string, readonly number[]>;
  /** Mean of `gains`: several objectives rank with equal weights. */
  readonly fitness: number;
  /** Sum of what the guardrails are broken by, in log units; 0 when none is. */
  readonly violation: number;
  /** Each broken guardrail, in words. */
  readonly broken: readonly string[];
}

/** Where the logarithm bends into a line through zero, as a share of the reference. */
const BEND = 1e-3;
/** Below this a guardrail is met: it is the rounding of the bound itself. */
const ROUNDING = 1e-9;

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * How much better `value` is than `base`, on a logarithmic scale: the log-ratio wherever both are positive and of like
 * size, and monotone and finite through zero and below (inverse hyperbolic sine; Burbidge, Magee and Robb 1988). A base
 * of zero has no scale, so the metric's own unit serves.
 */
export function logGain(value: number, base: number, direction: 'minimize' | 'maximize'): number {
  const scale = Math.abs(base) * BEND || 1;
  const gain = Math.asinh(value / scale) - Math.asinh(base / scale);
  return direction === 'maximize' ? gain : -gain;
}

/** A log-gain as a share of the baseline: 0.1 is 10 % more of a maximised metric, 10 % less of a minimised one. */
export function relativeGain(gain: number, direction: 'minimize' | 'maximize'): number {
  return direction === 'maximize' ? Math.expm1(gain) : -Math.expm1(-gain);
}

/** The metrics that a trial has to yield. */
export function requiredMetrics(experiment: Pick<Experiment, 'objectives' | 'guardrails'>): string[] {
  return [...new Set([...experiment.objectives, ...experiment.guardrails].map(({ metric }) => metric))];
}

/** Mean of each metric over repeated measurements that all have it. */
export function meanMetrics(repeats: readonly Metrics[], names: readonly string[]): Metrics {
  return Object.fromEntries(names.map((name) => [name, mean(repeats.map((m) => m[name] ?? Number.NaN))]));
}

/** Compares a configuration with the baseline in the domains in which it was measured. */
export function scoreAgainst(experiment: Judged, baseline: ByDomain, measured: ByDomain): Score {
  const byDomain = new Map<string, number[]>();
  const broken: string[] = [];
  let violation = 0;
  for (const [domain, metrics] of measured) {
    const base = baseline.get(domain) ?? {};
    byDomain.set(
      domain,
      experiment.objectives.map((o) => logGain(at(metrics, o), at(base, o), o.direction)),
    );
    for (const guardrail of experiment.guardrails) {
      const excess = guardrailExcess(guardrail, at(metrics, guardrail), at(base, guardrail));
      if (excess <= ROUNDING) continue;
      violation += excess;
      broken.push(
        `${guardrail.metric} in ${domain} is ${show(at(metrics, guardrail))}, the baseline's ${show(at(base, guardrail))}`,
      );
    }
  }
  const gains = weightedGains(experiment, byDomain);
  return { gains, byDomain, fitness: mean(gains), violation, broken };
}

/** Mean over domains, by their weights, of the gain of each objective. */
export function weightedGains(
  experiment: Pick<Experiment, 'objectives' | 'domains'>,
  byDomain: ReadonlyMap<string, readonly number[]>,
): number[] {
  const entries = [...byDomain].map(([domain, gains]) => ({
    gains,
    weight: experiment.domains[domain]?.weight ?? 1,
  }));
  const total = entries.reduce((sum, { weight }) => sum + weight, 0);
  return experiment.objectives.map((_, i) =>
    entries.reduce((sum, { gains, weight }) => sum + ((gains[i] ?? Number.NaN) * weight) / total, 0),
  );
}

/** Whether `a` is at least as good as `b` in every objective and better in one (Pareto). */
export function dominates(a: readonly number[], b: readonly number[]): boolean {
  return a.every((gain, i) => gain >= (b[i] ?? gain)) && a.some((gain, i) => gain > (b[i] ?? gain));
}

/** By how much, in log units, a guardrail's metric is beyond the stricter of its bounds; not above 0 when it is kept. */
function guardrailExcess(guardrail: Guardrail, value: number, base: number): number {
  const worse = guardrail.direction === 'minimize' ? 1 : -1;
  const bounds = [];
  if (guardrail.max_regression !== undefined)
    bounds.push(base + worse * guardrail.max_regression * Math.abs(base));
  if (guardrail.limit !== undefined) bounds.push(guardrail.limit);
  return Math.max(...bounds.map((bound) => -logGain(value, bound, guardrail.direction)));
}

function at(metrics: Metrics, { metric }: Pick<Objective, 'metric'>): number {
  return Object.hasOwn(metrics, metric) ? (metrics[metric] ?? Number.NaN) : Number.NaN;
}

function show(value: number): string {
  return String(Number(value.toPrecision(4)));
}
