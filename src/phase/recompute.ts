import { KlorosError } from '../errors.ts';
import type { EpochPlan, EpochTrial } from './epoch-store.ts';
import { type PlannedBlock, planSlice } from './plan.ts';
import { Race } from './race.ts';
import type { CandidateVerdict } from './types.ts';

/** What an epoch's verdicts follow from. */
export interface EpochRecord {
  readonly plan: EpochPlan;
  /** Of its last attempt, in the order of measuring. */
  readonly trials: readonly EpochTrial[];
}

/** The recorded trials of one block, and those after it; null when they are not all there: it was not finished. */
function take(
  block: PlannedBlock,
  left: readonly EpochTrial[],
): [EpochTrial[], readonly EpochTrial[]] | null {
  const { length } = block.trials;
  if (left.length < length) return null;
  for (const [i, { role, subject, seed }] of block.trials.entries()) {
    const trial = left[i];
    const same = trial?.domain === block.domain && trial.role === role && trial.subject === subject;
    if (!same || trial.seed !== seed)
      throw new KlorosError('KLR_E_REPLAY_DIFFERS', `trial ${trial?.number} is not the one that was planned`);
  }
  return [left.slice(0, length), left.slice(length)];
}

/**
 * The verdicts of an epoch, computed again from its plan and its measurements alone: no clock, no configuration, no
 * trial. Equal to those that were given, bit for bit, by the version that gave them. Pure.
 * @throws KLR_E_REPLAY_DIFFERS when the trials are not those of the plan
 */
export function recomputeVerdicts({ plan, trials }: EpochRecord): CandidateVerdict[] {
  const race = new Race(plan, plan.judged);
  let left = trials;
  for (let next = race.next(); next !== null; next = race.next()) {
    for (const block of planSlice(plan.settings, next.entrants, next.slice)) {
      if (race.broken.has(block.experiment)) continue;
      const taken = take(block, left);
      // The time was used up here: what was measured up to it is judged, without another look.
      if (taken === null) return race.verdicts();
      left = taken[1];
      race.add(block, taken[0]);
    }
    race.look();
  }
  return race.verdicts();
}
