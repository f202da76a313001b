import { type Block, pairsOf } from './blocks.ts';
import type { Judged } from './compare.ts';
import { pairedEffect, toShare } from './effect.ts';
import { detectable, estimate, pAbove } from './evidence.ts';

/** What the baseline measured against itself says of the noise (A/A), on the first objective. */
export interface Calibration {
  readonly experiment: string;
  readonly metric: string;
  readonly pairs: number;
  /** Relative difference of the baseline from itself, and its limits at alpha; null: nothing can be said. */
  readonly effect: number;
  readonly low: number | null;
  readonly high: number | null;
  /** Standard deviation of one pair's difference, in log units; null with fewer than two pairs. */
  readonly spread: number | null;
  /** The smallest relative gain that the planned rounds show half of the time; null: the noise is not known. */
  readonly detectable: number | null;
  /** Of the baseline being equal to itself. */
  readonly pValue: number;
  /** A candidate would have been accepted, or rejected, on this: happens in at most alpha of the epochs by chance. */
  readonly falsePositive: boolean;
  /** So unlikely by chance that nothing that was measured beside it can be trusted. */
  readonly doubtful: boolean;
}

/** One epoch in five hundred loses its acceptances to chance by this. */
const DOUBTFUL = 0.002;

interface Setting {
  readonly alpha: number;
  readonly candidates: number;
  /** Rounds that are planned. */
  readonly rounds: number;
}

/** Summarises the calibrating blocks of an experiment; null when it has none. */
export function calibrate(
  experiment: string,
  judged: Judged,
  blocks: readonly Block[],
  { alpha, candidates, rounds }: Setting,
): Calibration | null {
  const objective = judged.objectives[0];
  const domains = Object.keys(judged.domains);
  const mine = blocks.filter((block) => block.experiment === experiment && block.calibration !== undefined);
  if (!objective || mine.length === 0) return null;
  const differences = domains.flatMap((domain) =>
    pairsOf(mine, domain, objective.metric, (block) => block.calibration).map(({ base, value }) =>
      pairedEffect(base, value, objective.direction),
    ),
  );
  // Looked at once, when the epoch ends; either direction is a false positive.
  const look = { weight: 1 };
  const { n, mean, standardError, low, high } = estimate(differences, alpha / 2, look);
  const spread = standardError * Math.sqrt(n);
  const share = (effect: number) => (Number.isFinite(effect) ? toShare(effect, objective.direction) : null);
  const turned = differences.map((d) => -d);
  const pValue = Math.min(1, 2 * Math.min(pAbove(differences, 0, look), pAbove(turned, 0, look)));
  return {
    experiment,
    metric: objective.metric,
    pairs: n,
    effect: toShare(mean, objective.direction),
    low: share(low),
    high: share(high),
    spread: Number.isFinite(spread) ? spread : null,
    detectable: share(
      detectable(rounds, spread / Math.sqrt(domains.length), alpha / Math.max(1, candidates), look),
    ),
    pValue,
    falsePositive: pValue <= alpha,
    doubtful: pValue <= DOUBTFUL,
  };
}
