import { currentBaseline } from '../../baseline/current.ts';
import type { Context } from '../../context.ts';
import { addCounter, observe } from '../../metrics/counters.ts';
import { listPromotions, moveState } from '../../promotion/records.ts';
import { scanPromotions } from '../../promotion/scan.ts';
import type { Database } from '../../store/database.ts';
import { appendEvent } from '../../store/ledger.ts';
import { newId } from '../ids.ts';
import { phaseSituation } from '../phase-situation.ts';
import { clearFailures } from '../retries.ts';
import { supervise } from '../supervise.ts';
import { withLock } from '../with-lock.ts';
import { countFailedSearch } from './abandon.ts';
import { type ExternalEnd, runExternal } from './external-program.ts';
import type { Done, Run } from './run.ts';

async function record(
  tx: Database,
  ctx: Context,
  cycle: { readonly id: string; readonly experiment: string },
  end: ExternalEnd,
  elapsedMs: number,
): Promise<void> {
  const { id, experiment } = cycle;
  const result = end.state === 'stopped' ? 'cancelled' : end.state;
  const reason = end.state === 'done' ? 'the external search ended well' : end.reason;
  const data = { state: result, reason, external: true, elapsed_ms: Math.ceil(elapsedMs) };
  await appendEvent(tx, { ts: ctx.clock.now(), kind: 'cycle.ended', subject: id, experiment, data });
  await addCounter(tx, 'kloros_dream_cycles_total', { experiment, result });
  await observe(tx, 'kloros_dream_cycle_duration_seconds', { experiment }, elapsedMs / 1000);
}

/** What waits, and what the program dropped, goes on to PHASE: the program has had its say, PHASE measures for itself. */
async function passOn(ctx: Context, id: string, experiment: string): Promise<number> {
  await scanPromotions(ctx, await currentBaseline(ctx.db, ctx.config));
  const waiting = await listPromotions(ctx.db, { states: ['received'], experiment });
  await ctx.db.transaction(async (tx) => {
    for (const promotion of waiting)
      await moveState(tx, ctx, promotion.id, 'screened', {
        reason: 'the external search ended; nothing was measured here yet',
        detail: { screening: { external: id } },
      });
    await clearFailures(tx, `dream:${experiment}`);
  });
  return waiting.length;
}

/**
 * A search by the program in `dream.command`, under the dream lock: it drops promotions into the folder. It is over
 * before the next window opens; a failure is tried again like one of our own.
 */
export async function externalSearch(
  run: Run,
  experiment: string,
  command: readonly string[],
): Promise<Done> {
  const { ctx } = run;
  const id = newId(ctx, 'dream');
  const { nextWindowAt } = await phaseSituation(ctx);
  const { version } = await currentBaseline(ctx.db, ctx.config);
  const supervision = supervise(ctx, { ...run, endsAt: nextWindowAt, baselineVersion: version });
  const timeoutMs = ctx.config.dream.timeout;
  const began = ctx.clock.monotonic();
  const env = { KLOROS_EXPERIMENT: experiment, KLOROS_RUN_TAG: id };
  try {
    const end = await withLock(ctx, 'dream', { purpose: `external search ${id}`, ttlMs: timeoutMs * 2 }, () =>
      runExternal(ctx, supervision.control, { command, timeoutMs, env }),
    );
    const elapsedMs = ctx.clock.monotonic() - began;
    await ctx.db.transaction((tx) => record(tx, ctx, { id, experiment }, end, elapsedMs));
    if (end.state === 'done') {
      const passed = await passOn(ctx, id, experiment);
      return {
        outcome: 'DREAM_CYCLE',
        reason: `${id}: the external search ended; ${passed} promotions go on to PHASE`,
      };
    }
    if (end.state === 'stopped')
      return {
        outcome: end.stop === 'killed' ? 'KILLED' : 'DREAM_CYCLE',
        reason: `${id} was ended: ${end.reason}`,
      };
    const promotions = await listPromotions(ctx.db, { states: ['received'], experiment });
    const note = await ctx.db.transaction((tx) =>
      countFailedSearch(tx, ctx, { experiment, cycle: id, promotions }, end.reason),
    );
    const outcome = end.state === 'timeout' ? 'DREAM_TIMEOUT' : 'DREAM_FAILED';
    return { outcome, reason: `${id}: ${end.reason}; ${note}` };
  } finally {
    supervision.dispose();
  }
}
