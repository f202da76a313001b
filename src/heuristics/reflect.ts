import type { Context } from '../context.ts';
import { fromJson } from '../store/json.ts';
import { getMeta, setMeta } from '../store/meta.ts';
import { detect } from './detectors.ts';
import { type Environment, readLearned } from './state.ts';
import type { Reflection } from './types.ts';

const DAY_MS = 86_400_000;
const CAUSES_KEY = 'reflection_causes';
/** So many causes are remembered, so that none drops an intent twice. */
const CAUSES_KEPT = 500;

type Cause = { readonly cause: string; readonly ts: number };

/**
 * Looks over the record and says which intents to drop: within the budget of a day, never twice for the same cause.
 * The causes count as used from now on.
 * @param environmentOf where an experiment would be measured now
 */
export async function reflect(
  ctx: Pick<Context, 'db' | 'config' | 'clock'>,
  environmentOf: (experiment: string) => Environment,
): Promise<Reflection[]> {
  const now = ctx.clock.now();
  const rules = ctx.config.reflection;
  const found: Reflection[] = [];
  for (const [name, experiment] of Object.entries(ctx.config.experiments)) {
    const learned = await readLearned(ctx.db, name);
    const environment = environmentOf(name);
    found.push(...detect({ name, experiment, learned, now, rules, environment }));
  }
  return ctx.db.transaction(async (tx) => {
    const known = fromJson<Cause[]>((await getMeta(tx, CAUSES_KEY)) ?? '[]');
    const left = rules.intents_per_day - known.filter((c) => now - c.ts < DAY_MS).length;
    const unused = found.filter((r) => !known.some((c) => c.cause === r.cause));
    // Of an experiment the most urgent alone: one search answers more than one cause.
    const fresh = unused
      .toSorted((a, b) => b.priority - a.priority)
      .filter((r, i, all) => all.findIndex((other) => other.experiment === r.experiment) === i)
      .slice(0, Math.max(0, left));
    const causes = [...known, ...fresh.map((r) => ({ cause: r.cause, ts: now }))].slice(-CAUSES_KEPT);
    await setMeta(tx, CAUSES_KEY, JSON.stringify(causes));
    return fresh;
  });
}
