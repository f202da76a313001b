import { isDeepStrictEqual } from 'node:util';
import type { Params } from '../config/parameters.ts';
import type { Context } from '../context.ts';
import type { Database } from '../store/database.ts';
import { appendEvent } from '../store/ledger.ts';
import { environmentChanges, inEnvironment } from './decay.ts';
import { type Environment, KEEP, type Learned, readLearned, writeLearned } from './state.ts';

type Clocked = Pick<Context, 'clock'>;

async function learn(
  tx: Database,
  ctx: Clocked,
  experiment: string,
  what: Readonly<Record<string, unknown>>,
  change: (before: Learned) => Partial<Learned>,
): Promise<void> {
  const now = ctx.clock.now();
  const before = await readLearned(tx, experiment);
  await writeLearned(tx, experiment, { ...before, ...change(before) }, now);
  await appendEvent(tx, { ts: now, kind: 'heuristics.learned', subject: experiment, experiment, data: what });
}

const newest = <T>(list: readonly T[], item: T): T[] => [...list, item].slice(-KEEP);

/** A cycle ended: what it gained for its time, and what the baseline measured meanwhile. */
export async function learnFromCycle(
  tx: Database,
  ctx: Clocked,
  experiment: string,
  cycle: {
    readonly bestGain: number | null;
    readonly elapsedMs: number;
    readonly baselineVersion: number;
    readonly baselineMetrics: Readonly<Record<string, number>>;
    /** Where it measured. */
    readonly environment: Environment;
  },
): Promise<void> {
  const ts = ctx.clock.now();
  const gain = Math.max(0, cycle.bestGain ?? 0);
  const changed = environmentChanges((await readLearned(tx, experiment)).environment, cycle.environment);
  const what = {
    from: 'cycle',
    gain,
    elapsedMs: cycle.elapsedMs,
    ...(changed.length > 0 && { decayed: changed }),
  };
  await learn(tx, ctx, experiment, what, (all) => {
    const before = inEnvironment(all, cycle.environment);
    return {
      ...before,
      cycles: before.cycles + 1,
      gainSum: before.gainSum + gain,
      elapsedMs: before.elapsedMs + cycle.elapsedMs,
      lastCycleAt: ts,
      barren: gain > 0 ? 0 : before.barren + 1,
      levels: newest(before.levels, { version: cycle.baselineVersion, ts, metrics: cycle.baselineMetrics }),
    };
  });
}

/** PHASE gave a verdict on a promotion. */
export async function learnFromVerdict(
  tx: Database,
  ctx: Clocked,
  experiment: string,
  verdict: {
    readonly accepted: boolean;
    readonly params: Params;
    readonly gain: number;
    readonly searchScore: number | null;
    /** The domain that spoke against it, when one did. */
    readonly rejectedIn?: string | undefined;
    /** The smallest relative gain that could be seen of it; null: none. */
    readonly detectable?: number | null;
  },
): Promise<void> {
  const { accepted, gain, params, searchScore, rejectedIn = '', detectable = null } = verdict;
  const ts = ctx.clock.now();
  const optimism = searchScore === null ? 0 : searchScore - gain;
  await learn(tx, ctx, experiment, { from: 'verdict', accepted, gain, optimism }, (before) => ({
    accepted: accepted ? newest(before.accepted, { params, gain, ts }) : before.accepted,
    rejected: before.rejected + (accepted ? 0 : 1),
    optimismSum: before.optimismSum + optimism,
    verdicts: before.verdicts + 1,
    rejectedIn: newest(before.rejectedIn, rejectedIn),
    noise: detectable === null ? before.noise : newest(before.noise, { ts, detectable }),
  }));
}

/** A baseline was taken back: its configuration is no longer one to search around. */
export async function learnFromRollback(
  tx: Database,
  ctx: Clocked,
  experiment: string,
  params: Params,
): Promise<void> {
  await learn(tx, ctx, experiment, { from: 'roll-back' }, (before) => ({
    rolledBack: before.rolledBack + 1,
    accepted: before.accepted.filter((a) => !isDeepStrictEqual(a.params, params)),
  }));
}
