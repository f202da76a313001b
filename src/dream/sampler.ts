import type { Params } from '../config/parameters.ts';

/** A configuration to try. Inactive conditional parameters are absent from `params`. */
export interface Suggestion {
  /** Counts from 0 within the search. */
  readonly id: number;
  readonly params: Params;
}

/** What came of a suggestion: values in the order of the search's objectives, as measured. */
export type Observation =
  | { readonly values: readonly number[] /** > 0: broken by that much */; readonly violation?: number }
  | { readonly failed: true };

/** What a search needs to know at its start. */
export interface SearchSettings {
  readonly directions: readonly ('minimize' | 'maximize')[];
  /** Number of suggestions that will be evaluated in all. */
  readonly budget: number;
  /** 32-bit unsigned. One seed gives the same suggestions for the same sequence of calls. */
  readonly seed: number;
  /** Whether repeated measurements of one configuration differ. */
  readonly noise: boolean;
  /** Suggestions under way at once. */
  readonly parallel: number;
  /** Asked first, in this order: the baseline, earlier winners, seeds of a promotion. */
  readonly points?: readonly Params[];
  /** The box to search first, per number parameter, in its own unit; the rest of the space opens at half the budget. */
  readonly focus?: Readonly<Record<string, { readonly low: number; readonly high: number }>> | null;
  /** Completed earlier evaluations of this space; information, not suggestions. */
  readonly history?: readonly { readonly params: Params; readonly observation: Observation }[];
}

/** A point that the search recommends, best first when there are several. */
export interface Recommendation {
  readonly params: Params;
  /** The search's own estimate of the values (posterior mean where the sampler has one). */
  readonly estimate: readonly number[];
}

/** What a search can say of itself, for progress displays and reports. */
export interface SearchState {
  readonly sampler: string;
  readonly asked: number;
  readonly told: number;
  readonly restarts: number;
  /** Mean normalised pairwise distance of the present population, 0 (collapsed) to about 0.5. */
  readonly diversity: number;
}

/**
 * The ask/tell interface. Deterministic: the state is a function of the settings and the sequence of calls, so a
 * search is resumed by replaying its asks and tells. Asking several times before telling is allowed. Telling an
 * unknown id, or one twice, throws KLR_E_TELL_UNKNOWN.
 */
export interface Search {
  ask(): Suggestion;
  tell(id: number, observation: Observation): void;
  /** At least one entry once one observation did not fail; empty before. */
  recommend(count?: number): Recommendation[];
  state(): SearchState;
}
