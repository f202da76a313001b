import type { Experiment } from '../config/schema.ts';
import type { TrialStep } from '../trial/types.ts';
import { mean, type Score, weightedGains } from './score.ts';

/** Finished configurations that have to be known before any is cut short. */
const ENOUGH = 5;

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/**
 * The median stopping rule (Golovin et al., Vizier, 2017): a running trial is stopped at a step when its best value so
 * far is strictly worse than the median of the means, up to that step, of the finished trials.
 * @param finished the steps of finished trials in the same domain
 */
export function medianRule(
  finished: readonly (readonly TrialStep[])[],
  objective: Experiment['objectives'][number],
): (step: TrialStep) => 'go-on' | 'stop' {
  const sign = objective.direction === 'maximize' ? 1 : -1;
  const goodness = ({ metrics }: TrialStep) => sign * (metrics[objective.metric] ?? Number.NaN);
  let best = Number.NEGATIVE_INFINITY;
  return (step) => {
    const value = goodness(step);
    if (!Number.isFinite(value)) return 'go-on';
    best = Math.max(best, value);
    const means = finished.flatMap((steps) => {
      const values = steps
        .filter((s) => s.step <= step.step)
        .map(goodness)
        .filter(Number.isFinite);
      return values.length === 0 ? [] : [mean(values)];
    });
    return means.length >= ENOUGH && best < median(means) ? 'stop' : 'go-on';
  };
}

/**
 * Whether a configuration that is measured in some domains is worth measuring in the others. It is not when, doing as
 * well there as the best configuration so far in each, it would still be in the worse half. The score completed in
 * that hopeful way is returned, or null when it should go on.
 */
export function hopelessAfter(
  experiment: Pick<Experiment, 'objectives' | 'domains'>,
  partial: Score,
  finished: readonly Score[],
): readonly number[] | null {
  if (finished.length < ENOUGH) return null;
  const hoped = new Map(
    Object.keys(experiment.domains).map((domain) => [
      domain,
      partial.byDomain.get(domain) ??
        experiment.objectives.map((_, i) =>
          Math.max(...finished.map((score) => score.byDomain.get(domain)?.[i] ?? Number.NEGATIVE_INFINITY)),
        ),
    ]),
  );
  const gains = weightedGains(experiment, hoped);
  return mean(gains) < median(finished.map((score) => score.fitness)) ? gains : null;
}
