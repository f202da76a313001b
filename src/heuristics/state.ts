import type { Params } from '../config/parameters.ts';
import type { Database } from '../store/database.ts';
import { fromJson } from '../store/json.ts';

/** A configuration that PHASE accepted. */
export interface Accepted {
  readonly params: Params;
  /** Relative gain as validated. */
  readonly gain: number;
  readonly ts: number;
  /** Accepted in an environment that is gone: a point to try, but no reason to look nowhere else. */
  readonly stale?: boolean;
}

/** What measurements depend on beside the configuration: short texts by name. */
export type Environment = Readonly<Record<string, string>>;

/** The smallest relative gain that an epoch could see of a candidate: its noise. */
export interface Noise {
  readonly ts: number;
  readonly detectable: number;
}

/** What the baseline measured when it was measured: its level, to see drift. */
export interface Level {
  readonly version: number;
  readonly ts: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** What was learned of one experiment. */
export interface Learned {
  readonly cycles: number;
  /** Sum over cycles of the gain that screening confirmed (0 when none), relative. */
  readonly gainSum: number;
  /** Time spent in cycles, ms. */
  readonly elapsedMs: number;
  readonly lastCycleAt: number | null;
  /** Cycles in a row that found nothing better than the baseline. */
  readonly barren: number;
  /** Newest last, at most eight. */
  readonly accepted: readonly Accepted[];
  readonly rejected: number;
  readonly rolledBack: number;
  /** Search gain minus validated gain, summed over verdicts: the winner's curse as it was observed. */
  readonly optimismSum: number;
  readonly verdicts: number;
  /** Newest last, at most eight. */
  readonly levels: readonly Level[];
  /** Of each verdict the domain that spoke against the candidate, '' for none; newest last, at most eight. */
  readonly rejectedIn: readonly string[];
  /** Newest last, at most eight. */
  readonly noise: readonly Noise[];
  /** Where the last cycle measured; null before the first. */
  readonly environment: Environment | null;
}

export const NOTHING_LEARNED: Learned = {
  cycles: 0,
  gainSum: 0,
  elapsedMs: 0,
  lastCycleAt: null,
  barren: 0,
  accepted: [],
  rejected: 0,
  rolledBack: 0,
  optimismSum: 0,
  verdicts: 0,
  levels: [],
  rejectedIn: [],
  noise: [],
  environment: null,
};

/** So many of each list are kept. */
export const KEEP = 8;

/** What was learned of an experiment; nothing when it is new. */
export async function readLearned(db: Database, experiment: string): Promise<Learned> {
  const row = await db.get<{ state: string }>(
    'SELECT state FROM heuristics WHERE experiment = ?',
    experiment,
  );
  return row ? { ...NOTHING_LEARNED, ...fromJson<Partial<Learned>>(row.state) } : NOTHING_LEARNED;
}

/** Replaces what was learned of an experiment. */
export async function writeLearned(
  tx: Database,
  experiment: string,
  learned: Learned,
  now: number,
): Promise<void> {
  await tx.run(
    `INSERT INTO heuristics (experiment, state, updated_at) VALUES (?, ?, ?)
     ON CONFLICT (experiment) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at`,
    experiment,
    JSON.stringify(learned),
    now,
  );
}
