import type { Objective } from '../config/schema.ts';
import { pairedEffect } from './effect.ts';

export type Metrics = Readonly<Record<string, number>>;

/**
 * One block: the baseline and each candidate that was still in the race, measured close together in one domain with
 * one seed. Null: the measurement failed, or a metric that it needs is missing or not finite.
 */
export interface Block {
  readonly experiment: string;
  readonly domain: string;
  /** Counts the blocks of a domain over all slices: blocks of equal round in all domains belong together. */
  readonly round: number;
  readonly baseline: Metrics | null;
  /** The baseline a second time, where the block calibrates. */
  readonly calibration?: Metrics | null;
  /** By promotion. */
  readonly candidates: ReadonlyMap<string, Metrics | null>;
}

/** A metric of the baseline and of what is compared with it, in one block. */
export interface Pair {
  readonly round: number;
  readonly base: number;
  readonly value: number;
}

/** Complete pairs of one metric in one domain, in the order of measuring. A failed measurement makes no pair. */
export function pairsOf(
  blocks: readonly Block[],
  domain: string,
  metric: string,
  other: (block: Block) => Metrics | null | undefined,
): Pair[] {
  return blocks.flatMap((block) => {
    if (block.domain !== domain) return [];
    const base = block.baseline?.[metric];
    const value = other(block)?.[metric];
    return base !== undefined && value !== undefined ? [{ round: block.round, base, value }] : [];
  });
}

/**
 * Differences of an objective over whole rounds: the weighted mean over all domains of the effect in each. A round in
 * which a domain has no pair makes none, so no domain is ever left out of the mean.
 */
export function roundDifferences(
  blocks: readonly Block[],
  weights: ReadonlyMap<string, number>,
  { metric, direction }: Objective,
  other: (block: Block) => Metrics | null | undefined,
): number[] {
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  const rounds = new Map<number, { sum: number; domains: number }>();
  for (const [domain, weight] of weights)
    for (const { round, base, value } of pairsOf(blocks, domain, metric, other)) {
      const so = rounds.get(round) ?? { sum: 0, domains: 0 };
      const sum = so.sum + (weight / total) * pairedEffect(base, value, direction);
      rounds.set(round, { sum, domains: so.domains + 1 });
    }
  return [...rounds]
    .filter(([, { domains }]) => domains === weights.size)
    .sort(([a], [b]) => a - b)
    .map(([, { sum }]) => sum);
}
