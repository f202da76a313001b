import type { Context } from '../context.ts';
import { baselineCheckDue, phaseWindow } from '../phase/due.ts';
import type { WindowState } from '../phase/types.ts';
import type { Retry } from './retries.ts';
import { readRetry } from './retries.ts';
import type { Snapshot } from './types.ts';

/** An epoch of the open window, or a forced one, that has not ended. */
interface UnfinishedEpoch {
  readonly id: string;
  readonly forced: boolean;
  readonly date: string;
  readonly state: 'paused' | 'failed';
}

interface Facts {
  readonly now: number;
  readonly window: WindowState;
  readonly screened: number;
  readonly checkDue: boolean;
  readonly unfinished: UnfinishedEpoch | null;
  readonly retry: Retry | null;
  readonly attempts: number;
  /** Less of the window left than this is not enough to start an epoch, ms. */
  readonly leastMs: number;
}

/** Stands for the id of an epoch that could not even be begun. */
export const BEFORE_ITS_ROW = 'begin';

/** Rule 6 in facts: whether an epoch is due now, which one goes on, and why or why not. Pure. */
export function judgePhase(f: Facts): Snapshot['phase'] {
  const nextWindowAt = f.window.nextOpensAt;
  const none = (reason: string) => ({ due: false, reason, resume: null, nextWindowAt, screened: f.screened });
  const due = (reason: string, resume: { id: string; forced: boolean } | null = null) => ({
    due: true,
    reason,
    resume,
    nextWindowAt,
    screened: f.screened,
  });
  const u = f.unfinished;
  if (u && f.retry && f.retry.failures >= f.attempts)
    return none(`epoch ${u.id} failed ${f.retry.failures} times and is not tried again`);
  if (f.retry && f.retry.nextAt > f.now) return none(`an epoch is tried again later`);
  if (u?.forced) return due(`forced epoch ${u.id} was paused`, { id: u.id, forced: true });
  if (f.window.date === null || f.window.closesAt === null) return none('outside the PHASE window');
  if (f.window.closesAt - f.now < f.leastMs) return none('too little of the PHASE window is left');
  if (u && u.date === f.window.date) {
    const why = u.state === 'paused' ? 'was paused' : 'failed and is tried again';
    return due(`epoch ${u.id} ${why}`, { id: u.id, forced: false });
  }
  if (f.window.used) return none(`the PHASE window of ${f.window.date} is used`);
  if (f.screened > 0) return due(`in the PHASE window, ${f.screened} screened`);
  if (f.checkDue) return due('in the PHASE window, a check of the baseline is due');
  return none('in the PHASE window, nothing to validate');
}

/** Reads what rule 6 needs. */
export async function phaseSituation(ctx: Context): Promise<Snapshot['phase']> {
  const now = ctx.clock.now();
  const names = Object.keys(ctx.config.experiments);
  const window = await phaseWindow(ctx);
  const screened = await ctx.db.get<{ n: number }>(
    // What is no longer configured cannot be measured: it waits until it expires.
    // What has its verdict, and waits to have it carried out, is not measured again.
    `SELECT COUNT(*) AS n FROM promotions WHERE state = 'screened'
     AND NOT EXISTS (SELECT 1 FROM verdicts v WHERE v.promotion_id = promotions.id AND v.carried_out_at IS NULL)
     AND experiment IN (${names.map(() => '?').join(', ')})`,
    ...names,
  );
  const row = await ctx.db.get<{ id: string; forced: number; date: string; state: string }>(
    `SELECT id, forced, date, state FROM epochs
     WHERE state = 'paused' AND (forced = 1 OR date = ?) OR state = 'failed' AND forced = 0 AND date = ?
     ORDER BY started_at DESC LIMIT 1`,
    window.date ?? '',
    window.date ?? '',
  );
  const unfinished = row
    ? { id: row.id, forced: row.forced === 1, date: row.date, state: row.state as 'paused' | 'failed' }
    : null;
  const open = window.date !== null && !window.used;
  return judgePhase({
    now,
    window,
    screened: screened?.n ?? 0,
    checkDue: open && (await baselineCheckDue(ctx)),
    unfinished,
    retry: await readRetry(ctx.db, `phase:${unfinished?.id ?? BEFORE_ITS_ROW}`, now),
    attempts: ctx.config.retry.attempts,
    leastMs: Math.min(...Object.values(ctx.config.experiments).map((e) => e.limits.timeout)),
  });
}
