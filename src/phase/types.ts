import type { Params } from '../config/parameters.ts';

export type Verdict = 'accept' | 'reject' | 'inconclusive' | 'error';

/** A promotion that an epoch validates. */
export interface Candidate {
  readonly promotionId: string;
  readonly experiment: string;
  /** The complete configuration: the baseline's with the promotion's changes on top. */
  readonly params: Params;
  /** Relative gain that screening claimed. */
  readonly searchScore: number | null;
}

export interface EpochRequest {
  readonly id: string;
  /** Local date of the window's start, ISO; for a forced epoch the local date now. */
  readonly date: string;
  readonly forced: boolean;
  /** Wall clock time at which the epoch has to be over, ms since the epoch. */
  readonly endsAt: number;
  readonly baseline: { readonly version: number; readonly params: Readonly<Record<string, Params>> };
  readonly candidates: readonly Candidate[];
  /** Experiments whose baseline is measured alone (a due baseline check). */
  readonly checkOnly: readonly string[];
  /** 32-bit unsigned. */
  readonly seed: number;
}

/** One paired comparison: candidate against baseline, in one domain, on one metric. */
export interface Comparison {
  /** `*`: pooled over the domains by their weights. */
  readonly domain: string;
  readonly metric: string;
  readonly role: 'objective' | 'guardrail';
  /** What it is compared with: the baseline beside it, or the absolute limit of the guardrail. */
  readonly against: 'baseline' | 'limit';
  /** Number of complete pairs. */
  readonly pairs: number;
  /** Relative effect, positive is better for the user whatever the metric's direction; 0.1: 10 % better. */
  readonly effect: number;
  /** Confidence limits of the effect at the epoch's corrected level, one-sided each; null: nothing can be said. */
  readonly low: number | null;
  readonly high: number | null;
  /** Holds at whatever look the epoch stops: of no gain, of a regression beyond the margin. */
  readonly pValue: number;
  readonly baselineMean: number;
  readonly candidateMean: number;
  readonly ok: boolean;
  readonly reason: string;
}

export interface CandidateVerdict {
  readonly promotionId: string;
  readonly experiment: string;
  readonly verdict: Verdict;
  readonly reason: string;
  /** Relative gain on the first objective over the domains, shrunken for the winner's curse; 0 when not measured. */
  readonly gain: number;
  /** Confidence limits of the gain before it was shrunken; null: nothing can be said. */
  readonly low: number | null;
  readonly high: number | null;
  /** The smallest relative gain that so many pairs of this noise show half of the time; null: too few pairs for any. */
  readonly detectable: number | null;
  /** What the search claimed. */
  readonly searchScore: number | null;
  /** The largest p-value of all that had to be shown: the candidate's own. */
  readonly pValue: number;
  readonly comparisons: readonly Comparison[];
}

/** How an epoch ended. A paused one is resumed under the same id from its last finished trial. */
export type EpochResult =
  | {
      readonly state: 'done';
      readonly reason: string;
      readonly verdicts: readonly CandidateVerdict[];
      /** Relative to the home. */
      readonly report: string;
      readonly reportSha256: string;
    }
  | { readonly state: 'paused'; readonly reason: string }
  | { readonly state: 'failed' | 'timeout' | 'voided'; readonly reason: string };

/** What the tick has to know of the window (design: sections 2 and 7). Times are ms since the Unix epoch. */
export interface WindowState {
  /** Local date that keys the window that is open now; null outside. */
  readonly date: string | null;
  /** End of the open window; null outside. */
  readonly closesAt: number | null;
  /** Start of the next window that is not open yet. */
  readonly nextOpensAt: number;
  /** The date is used: an epoch was started for it, or a later date was used already. */
  readonly used: boolean;
}
