import type { Context } from '../context.ts';
import type { Analysis } from '../dream/importance.ts';
import { understandCycle } from '../dream/understanding.ts';
import { type ExperimentOverview, overview } from '../heuristics/overview.ts';

/** What is known of one experiment, with which parameters decided its last search. */
export interface LearnedOverview extends ExperimentOverview {
  /** The cycle that was analysed; null when none ended well. */
  readonly cycle: string | null;
  /** Null when nothing can be said of it: too few trials, or configured otherwise since. */
  readonly analysis: Analysis | null;
}

/** Every experiment, the one that deserves the next cycle first. */
export async function learnedOverview(ctx: Pick<Context, 'db' | 'config'>): Promise<LearnedOverview[]> {
  const known = await overview(ctx);
  return Promise.all(
    known.map(async (one) => {
      const row = await ctx.db.get<{ id: string }>(
        "SELECT id FROM cycles WHERE experiment = ? AND state = 'done' ORDER BY started_at DESC LIMIT 1",
        one.experiment,
      );
      const analysis = row ? await understandCycle(ctx, row.id) : null;
      return { ...one, cycle: row?.id ?? null, analysis };
    }),
  );
}
