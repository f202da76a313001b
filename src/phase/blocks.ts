import type { Objective } from '../config/schema.ts';
import { pairedEffect, pairedLevel } from './effect.ts';

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

/** What is compared: how much better the second of each pair is, and where both lie, in log units. */
export interface Paired {
  readonly differences: readonly number[];
  /** Where each pair lies; none where each difference stands alone. */
  readonly at?: readonly { readonly level: number; readonly round: number }[];
}

/** The pairs of a metric in log units. */
export function pairedIn(pairs: readonly Pair[], direction: Objective['direction']): Paired {
  return {
    differences: pairs.map(({ base, value }) => pairedEffect(base, value, direction)),
    at: pairs.map(({ base, value, round }) => ({ level: pairedLevel(base, value, direction), round })),
  };
}

/**
 * An objective over whole rounds: the weighted mean over all domains of the effect and of the level in each. A round in
 * which a domain has no pair makes none, so no domain is ever left out of the mean.
 */
export function pairedRounds(
  blocks: readonly Block[],
  weights: ReadonlyMap<string, number>,
  { metric, direction }: Objective,
  other: (block: Block) => Metrics | null | undefined,
): Paired {
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  const rounds = new Map<number, { difference: number; level: number; domains: number }>();
  for (const [domain, weight] of weights)
    for (const { round, base, value } of pairsOf(blocks, domain, metric, other)) {
      const so = rounds.get(round) ?? { difference: 0, level: 0, domains: 0 };
      so.difference += (weight / total) * pairedEffect(base, value, direction);
      so.level += (weight / total) * pairedLevel(base, value, direction);
      so.domains += 1;
      rounds.set(round, so);
    }
  const whole = [...rounds].filter(([, r]) => r.domains === weights.size).sort(([a], [b]) => a - b);
  return {
    differences: whole.map(([, r]) => r.difference),
    at: whole.map(([round, { level }]) => ({ level, round })),
  };
}
