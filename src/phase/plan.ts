import { canonicalJson, sha256Hex } from '../store/json.ts';
import { MIN_PAIRS } from './looks.ts';

/** An experiment in the plan. */
export interface Entrant {
  readonly experiment: string;
  readonly domains: readonly string[];
  /** Promotion ids; none when the baseline is measured alone. */
  readonly candidates: readonly string[];
}

/** What the plan of an epoch follows from. */
export interface PlanSettings {
  /** Rounds over all domains that are planned. */
  readonly slices: number;
  /** Blocks in each slice and domain. */
  readonly replicas: number;
  /** Measurements of the baseline that are discarded at the start of a domain. */
  readonly warmup: number;
  /** Share of the blocks in which the baseline is measured twice, 0 to 0.5. */
  readonly calibration: number;
  /** 32-bit unsigned. */
  readonly seed: number;
}

/** One measurement of a block. */
export interface PlannedTrial {
  readonly role: 'warmup' | 'baseline' | 'calibration' | 'candidate';
  /** `baseline`, or the promotion. */
  readonly subject: string;
  /** 32-bit unsigned and odd: the search draws even ones, so no search has ever seen it. */
  readonly seed: number;
}

/** A block, or the warm-up of a domain. */
export interface PlannedBlock {
  readonly experiment: string;
  readonly domain: string;
  /** Counts the blocks of a domain over all slices; -1: the warm-up. */
  readonly round: number;
  readonly trials: readonly PlannedTrial[];
}

type Part = string | number;

/** A number in [0, 1) that is fixed by the seed and where it is used: no state, so any part can be planned again. */
function draw(seed: number, ...parts: Part[]): number {
  return Number.parseInt(sha256Hex(canonicalJson([seed, ...parts])).slice(0, 12), 16) / 2 ** 48;
}

function heldOutSeed(seed: number, ...parts: Part[]): number {
  return (Math.floor(draw(seed, 'trial', ...parts) * 2 ** 32) | 1) >>> 0;
}

/** `items` in a random order that is fixed by the seed and the place. */
function shuffled<T>(items: readonly T[], key: (item: T) => string, seed: number, ...parts: Part[]): T[] {
  return items
    .map((item) => ({ item, at: draw(seed, 'order', ...parts, key(item)) }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** The blocks of a slice that calibrate: their share of all, in turn over the domains. */
function calibrates(s: PlanSettings, entrant: Entrant, slice: number): Set<string> {
  const blocks = entrant.domains.flatMap((domain) =>
    Array.from({ length: s.replicas }, (_, replica) => `${domain}/${replica}`),
  );
  const count = Math.ceil(blocks.length * s.calibration);
  return new Set(
    shuffled(blocks, (b) => b, s.seed, 'calibration', entrant.experiment, slice).slice(0, count),
  );
}

function domainBlocks(
  s: PlanSettings,
  entrant: Entrant,
  domain: string,
  slice: number,
  calibrated: ReadonlySet<string>,
): PlannedBlock[] {
  const { experiment } = entrant;
  const warmup: PlannedBlock = {
    experiment,
    domain,
    round: -1,
    trials: Array.from({ length: s.warmup }, (_, i) => ({
      role: 'warmup' as const,
      subject: 'baseline',
      seed: heldOutSeed(s.seed, experiment, domain, slice, 'warmup', i),
    })),
  };
  const blocks = Array.from({ length: s.replicas }, (_, replica): PlannedBlock => {
    const round = slice * s.replicas + replica;
    const seed = heldOutSeed(s.seed, experiment, domain, round);
    const trials: PlannedTrial[] = [
      { role: 'baseline', subject: 'baseline', seed },
      ...entrant.candidates.map((subject) => ({ role: 'candidate' as const, subject, seed })),
    ];
    if (calibrated.has(`${domain}/${replica}`))
      trials.push({ role: 'calibration', subject: 'baseline', seed });
    // Every second block mirrors the one before it (A B, B A), so that a steady drift cancels.
    const pair = replica - (replica % 2);
    const order = shuffled(trials, (t) => `${t.role} ${t.subject}`, s.seed, experiment, domain, slice, pair);
    return { experiment, domain, round, trials: replica % 2 === 0 ? order : order.reverse() };
  });
  return s.warmup > 0 ? [warmup, ...blocks] : blocks;
}

/**
 * One slice: every experiment and domain in a random order, each with `replicas` randomised complete blocks, which
 * measure the baseline and each candidate once, mirrored in pairs (ABBA).
 */
export function planSlice(s: PlanSettings, entrants: readonly Entrant[], slice: number): PlannedBlock[] {
  return shuffled(entrants, (e) => e.experiment, s.seed, 'experiments', slice).flatMap((entrant) => {
    const calibrated = calibrates(s, entrant, slice);
    const domains = shuffled(entrant.domains, (d) => d, s.seed, 'domains', entrant.experiment, slice);
    return domains.flatMap((domain) => domainBlocks(s, entrant, domain, slice, calibrated));
  });
}

/** Measurements in a slice. */
export function sliceTrials(s: PlanSettings, entrants: readonly Entrant[]): number {
  return entrants.reduce((sum, { domains, candidates }) => {
    const blocks = domains.length * s.replicas;
    const calibration = Math.ceil(blocks * s.calibration);
    return sum + domains.length * s.warmup + blocks * (1 + candidates.length) + calibration;
  }, 0);
}

/** Typical duration of a trial by experiment, ms; null where nothing is known yet. */
export type Durations = (experiment: string) => number | null;

/** Time of the smallest plan that can accept anything, ms; what is not known counts as nothing. */
export function smallestMs(s: PlanSettings, entrants: readonly Entrant[], durations: Durations): number {
  const slices = Math.ceil(MIN_PAIRS / s.replicas);
  return entrants.reduce(
    (sum, entrant) => sum + slices * sliceTrials(s, [entrant]) * (durations(entrant.experiment) ?? 0),
    0,
  );
}

/**
 * The candidates, best first, whose smallest plan fits into the time; the others wait for another epoch. None when not
 * even the first one fits.
 */
export function fitCandidates<T extends { readonly promotionId: string; readonly experiment: string }>(
  s: PlanSettings,
  candidates: readonly T[],
  entrantsOf: (candidates: readonly T[]) => readonly Entrant[],
  durations: Durations,
  availableMs: number,
): readonly T[] {
  for (let count = candidates.length; count > 0; count--) {
    const chosen = candidates.slice(0, count);
    if (smallestMs(s, entrantsOf(chosen), durations) <= availableMs) return chosen;
  }
  return [];
}
