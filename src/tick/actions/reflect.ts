import { reflect } from '../../heuristics/reflect.ts';
import { submitIntent } from '../../intent/submit.ts';
import { addCounter } from '../../metrics/counters.ts';
import { fingerprint } from '../../phase/environment.ts';
import { appendEvent } from '../../store/ledger.ts';
import { setMeta } from '../../store/meta.ts';
import type { Done, Run } from './run.ts';

/** Looks over the record and drops intents of its own, with reasons. */
export async function reflectIdle(run: Run): Promise<Done> {
  const { ctx } = run;
  const found = await reflect(ctx, (experiment) => fingerprint(ctx, [experiment]));
  for (const { type, reason, priority, data, cause } of found)
    submitIntent(ctx, { type, reason, priority, data: { ...data, cause }, emittedBy: 'idle-reflection' });
  const now = ctx.clock.now();
  await ctx.db.transaction(async (tx) => {
    await appendEvent(tx, { ts: now, kind: 'reflected', subject: 'reflection', data: { found } });
    await addCounter(tx, 'kloros_reflections_total', {});
    await setMeta(tx, 'reflected_at', String(now));
  });
  const words = found.map((r) => r.reason).join('; ');
  return { outcome: 'REFLECTED', reason: words || 'nothing calls for an action' };
}
