import type { Experiment } from '../config/schema.ts';

/** Metrics of one domain, measured with the watched and the previous baseline side by side. */
export interface HealthPair {
  readonly domain: string;
  readonly weight: number;
  readonly watched: Readonly<Record<string, number>>;
  readonly previous: Readonly<Record<string, number>>;
}

type Direction = 'minimize' | 'maximize';

/** How much worse `now` is than `before`, as a share of `before` (0.1: 10 % worse; negative: better). */
function worsening(now: number, before: number, direction: Direction): number {
  const change = direction === 'minimize' ? now - before : before - now;
  if (change === 0) return 0;
  return change / Math.abs(before);
}

/** The mean of a metric's worsening over the domains, by their weight; null when a value is missing or not finite. */
function meanWorsening(pairs: readonly HealthPair[], metric: string, direction: Direction): number | null {
  let [sum, weights] = [0, 0];
  for (const { watched, previous, weight } of pairs) {
    const [now, before] = [watched[metric], previous[metric]];
    if (now === undefined || before === undefined || !Number.isFinite(now) || !Number.isFinite(before))
      return null;
    sum += weight * worsening(now, before, direction);
    weights += weight;
  }
  return weights > 0 ? sum / weights : null;
}

const percent = (share: number) => `${Number((share * 100).toFixed(1))} %`;

/**
 * Whether the watched baseline holds what was promised: no objective worse than the tolerance, no guardrail worse than
 * the larger of the tolerance and its own margin, no absolute limit broken that the previous one kept. Single
 * measurements: the caller asks for several in a row before it acts.
 */
export function compareHealth(
  experiment: Pick<Experiment, 'objectives' | 'guardrails' | 'watch'>,
  pairs: readonly HealthPair[],
): { readonly result: 'healthy' | 'unhealthy' | 'unknown'; readonly reason: string } {
  const { tolerance } = experiment.watch;
  const metrics = [
    ...experiment.objectives.map((objective) => ({ ...objective, margin: tolerance })),
    ...experiment.guardrails.map((g) => ({ ...g, margin: Math.max(tolerance, g.max_regression ?? 0) })),
  ];
  const said: string[] = [];
  for (const { metric, direction, margin } of metrics) {
    const worse = meanWorsening(pairs, metric, direction);
    if (worse === null) return { result: 'unknown', reason: `${metric} was not measured` };
    if (worse > margin)
      return {
        result: 'unhealthy',
        reason: `${metric} is ${percent(worse)} worse than before (${percent(margin)} is tolerated)`,
      };
    said.push(`${metric} ${worse > 0 ? `${percent(worse)} worse` : `${percent(-worse)} better`}`);
  }
  for (const { metric, direction, limit } of experiment.guardrails) {
    if (limit === undefined) continue;
    const breaks = (value: number | undefined) =>
      value === undefined || (direction === 'minimize' ? value > limit : value < limit);
    const broken = pairs.find(
      ({ watched, previous }) => breaks(watched[metric]) && !breaks(previous[metric]),
    );
    if (broken)
      return { result: 'unhealthy', reason: `${metric} breaks its limit ${limit} in ${broken.domain}` };
  }
  return { result: 'healthy', reason: said.join(', ') };
}
