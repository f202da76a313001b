import type { Context } from '../context.ts';
import { type Learned, readLearned } from './state.ts';

const HOUR_MS = 3_600_000;

/**
 * UCB1 (Auer, Cesa-Bianchi, Fischer 2002: Finite-time Analysis of the Multiarmed Bandit Problem) over experiments: the
 * reward is the gain an hour of search brought, scaled to [0, 1] by the best of the experiments; one that was never
 * searched comes first. Pure; ties go to the first named.
 */
export function scoreExperiments(
  learned: readonly { readonly name: string; readonly learned: Learned }[],
): { readonly name: string; readonly score: number; readonly reason: string }[] {
  const rate = (l: Learned) => (l.elapsedMs > 0 ? l.gainSum / (l.elapsedMs / HOUR_MS) : 0);
  const best = Math.max(...learned.map((e) => rate(e.learned)), Number.MIN_VALUE);
  const total = learned.reduce((sum, e) => sum + e.learned.cycles, 0);
  return learned
    .map(({ name, learned: l }) => {
      if (l.cycles === 0) return { name, score: Number.POSITIVE_INFINITY, reason: 'never searched' };
      const bonus = Math.sqrt((2 * Math.log(total)) / l.cycles);
      const reason = `${(100 * rate(l)).toFixed(1)} % gain an hour over ${l.cycles} cycles`;
      return { name, score: rate(l) / best + bonus, reason };
    })
    .toSorted((a, b) => b.score - a.score);
}

/** The experiment that deserves the next cycle, and why. */
export async function chooseExperiment(
  ctx: Pick<Context, 'db' | 'config'>,
): Promise<{ name: string; reason: string }> {
  const names = Object.keys(ctx.config.experiments);
  const learned = await Promise.all(
    names.map(async (name) => ({ name, learned: await readLearned(ctx.db, name) })),
  );
  const [first] = scoreExperiments(learned);
  return { name: first?.name ?? names[0] ?? '', reason: first?.reason ?? 'the only one' };
}
