import { tExceeded } from '../statistics/student.ts';
import { overallGain } from './progress.ts';
import {
  type ByDomain,
  type Judged,
  logGain,
  type Metrics,
  mean,
  meanMetrics,
  requiredMetrics,
  scoreAgainst,
  weightedGains,
} from './score.ts';

/** What was measured of one configuration in the screening: a map for each round. */
export type Rounds = readonly ByDomain[];

export interface Screened {
  readonly rounds: Rounds;
  /** Why it could not be measured to the end; it is then no winner whatever the rest says. */
  readonly failure: string | null;
  /** Whether it stands for itself (a given promotion), or was picked from the search as one of the best. */
  readonly given: boolean;
}

/** What the screening says of one configuration. Gains are shares of the baseline. */
export interface Judgement {
  readonly ok: boolean;
  readonly reason: string;
  /** Shrunken for noise and for having been picked; a loss is not shrunken. */
  readonly gain: number;
  readonly measured: number;
  /** Standard error of the log-gain. */
  readonly standardError: number;
  readonly pairs: number;
  readonly domains: Readonly<Record<string, number>>;
  /** Mean log-gain of each objective. */
  readonly gains: readonly number[];
  /** Mean of each objective and guardrail over rounds and domains. */
  readonly metrics: Metrics;
}

/** Family-wise error of the winners of one screening, before PHASE looks. */
const ALPHA = 0.05;

/**
 * The order of one block of the screening: the baseline and every subject once, forwards and backwards in turns
 * (ABBA), so that a drift weighs on all of them alike.
 * @param block counts from 0; @returns indexes, 0 being the baseline
 */
export function blockOrder(block: number, subjects: number): number[] {
  const order = Array.from({ length: subjects + 1 }, (_, i) => i);
  return block % 2 === 0 ? order : order.reverse();
}

/**
 * Judges what was measured side by side with the baseline. The gain is the mean of the paired log-gains, shrunken by
 * the non-negative garrote (Breiman 1995): m * (1 - c * se^2 / m^2), or 0. For a finalist of the search, c is the
 * squared one-sided t quantile at 5 % over all finalists, so that of a cycle without a real gain at most one in twenty
 * has a winner; for a given promotion, which nobody picked by its luck, c is 1. The variance is pooled over all
 * subjects; a subject that is noisier than that counts with its own.
 */
export function judge(
  experiment: Judged,
  minGain: number,
  baseline: Rounds,
  subjects: readonly Screened[],
): Judgement[] {
  const measured = subjects.map((subject) => pairsOf(experiment, baseline, subject.rounds));
  const variances = measured.map((pairs) => meanVariance(experiment, pairs));
  const sound = variances.filter(({ degrees }) => degrees > 0);
  const pooled = {
    variance: sound.length > 0 ? mean(sound.map(({ variance }) => variance)) : Number.POSITIVE_INFINITY,
    degrees: sound.length > 0 ? Math.min(...sound.map(({ degrees }) => degrees)) : 1,
  };
  // Subjects share the baseline's noise: their variances correlate by about 1/4, so pooling adds less than it seems.
  const degrees = Math.floor((pooled.degrees * sound.length) / (1 + (sound.length - 1) / 4));
  const finalists = subjects.filter(({ given }) => !given).length;
  const t = tExceeded(ALPHA / Math.max(1, finalists), Math.max(1, degrees));
  return subjects.map((subject, i) => {
    const pairs = measured[i] ?? new Map();
    const se = Math.sqrt(Math.max(pooled.variance, variances[i]?.variance ?? 0));
    return judgeOne(experiment, minGain, baseline, subject, pairs, se, subject.given ? 1 : t * t);
  });
}

type Pairs = ReadonlyMap<string, readonly number[]>;

/** Paired log-gains, all objectives together, by domain; a round in which either is missing gives no pair. */
function pairsOf(experiment: Judged, baseline: Rounds, rounds: Rounds): Pairs {
  return new Map(
    Object.keys(experiment.domains).map((domain) => [
      domain,
      rounds.flatMap((round, r) => {
        const [ours, theirs] = [round.get(domain), baseline[r]?.get(domain)];
        if (!ours || !theirs) return [];
        const gains = experiment.objectives.map(({ metric, direction }) =>
          logGain(ours[metric] ?? Number.NaN, theirs[metric] ?? Number.NaN, direction),
        );
        return [mean(gains)];
      }),
    ]),
  );
}

/** Variance of the weighted mean over domains of the means of the pairs. */
function meanVariance(experiment: Judged, pairs: Pairs): { variance: number; degrees: number } {
  const total = [...pairs.keys()].reduce((sum, domain) => sum + weight(experiment, domain), 0);
  let variance = 0;
  let degrees = 0;
  for (const [domain, gains] of pairs) {
    if (gains.length < 2) return { variance: Number.POSITIVE_INFINITY, degrees: 0 };
    const centre = mean(gains);
    const spread = gains.reduce((sum, gain) => sum + (gain - centre) ** 2, 0) / (gains.length - 1);
    variance += ((weight(experiment, domain) / total) ** 2 * spread) / gains.length;
    degrees += gains.length - 1;
  }
  return { variance, degrees };
}

const weight = (experiment: Judged, domain: string) => experiment.domains[domain]?.weight ?? 1;

function judgeOne(
  experiment: Judged,
  minGain: number,
  baseline: Rounds,
  subject: Screened,
  pairs: Pairs,
  se: number,
  c: number,
): Judgement {
  const domainMeans = new Map(
    [...pairs].map(([domain, gains]) => [domain, gains.length > 0 ? mean(gains) : 0]),
  );
  const [m = 0] = weightedGains(
    { ...experiment, objectives: experiment.objectives.slice(0, 1) },
    new Map([...domainMeans].map(([domain, gain]) => [domain, [gain]])),
  );
  const shrunken = m > 0 ? m * Math.max(0, 1 - (c * se * se) / (m * m)) : m;
  const ours = averaged(experiment, subject.rounds);
  const score = scoreAgainst(experiment, averaged(experiment, baseline), ours);
  const gain = overallGain(experiment, shrunken);
  const measured = overallGain(experiment, m);
  const reason = subject.failure ?? verdict(score.broken, gain, measured, se, minGain);
  return {
    ok: reason === null,
    reason: reason ?? `${inWords(gain)} better than the baseline (measured ${inWords(measured)})`,
    gain,
    measured,
    standardError: se,
    pairs: [...pairs.values()].reduce((sum, gains) => sum + gains.length, 0),
    domains: Object.fromEntries([...domainMeans].map(([d, g]) => [d, overallGain(experiment, g)])),
    gains: score.gains,
    metrics: meanMetrics([...ours.values()], requiredMetrics(experiment)),
  };
}

function verdict(
  broken: readonly string[],
  gain: number,
  measured: number,
  se: number,
  minGain: number,
): string | null {
  if (broken.length > 0) return `breaks a guardrail: ${broken.join('; ')}`;
  if (gain > minGain) return null;
  if (measured <= 0) return `it is ${inWords(-measured)} worse than the baseline`;
  return `its gain of ${inWords(measured)} with a standard error of ${inWords(se)} is ${inWords(gain)} after shrinking, not above ${inWords(minGain)}`;
}

const inWords = (share: number) => `${Number((share * 100).toPrecision(3))} %`;

/** Mean of each metric in each domain over the rounds in which it was measured. */
function averaged(experiment: Judged, rounds: Rounds): ByDomain {
  const names = requiredMetrics(experiment);
  const result = new Map<string, Metrics>();
  for (const domain of Object.keys(experiment.domains)) {
    const repeats = rounds.map((round) => round.get(domain)).filter((metrics) => metrics !== undefined);
    if (repeats.length > 0) result.set(domain, meanMetrics(repeats, names));
  }
  return result;
}
