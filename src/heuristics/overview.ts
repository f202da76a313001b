import type { Context } from '../context.ts';
import { advise, knownOthers } from './advice.ts';
import { scoreExperiments } from './bandit.ts';
import { type Learned, readLearned } from './state.ts';
import type { SearchAdvice } from './types.ts';

/** What is known of one experiment, and what follows from it. */
export interface ExperimentOverview {
  readonly experiment: string;
  /** By which it competes for the next cycle; null: never searched, and so first. */
  readonly score: number | null;
  readonly reason: string;
  readonly learned: Learned;
  readonly advice: SearchAdvice;
}

/** Every experiment, the one that deserves the next cycle first. */
export async function overview(ctx: Pick<Context, 'db' | 'config'>): Promise<ExperimentOverview[]> {
  const known = await Promise.all(
    Object.entries(ctx.config.experiments).map(async ([name, config]) => {
      const learned = await readLearned(ctx.db, name);
      return { name, learned, advice: advise(config, learned, await knownOthers(ctx, name)) };
    }),
  );
  return scoreExperiments(known).flatMap(({ name, score, reason }) =>
    known
      .filter((k) => k.name === name)
      .map(({ learned, advice }) => ({
        experiment: name,
        score: Number.isFinite(score) ? score : null,
        reason,
        learned,
        advice,
      })),
  );
}
