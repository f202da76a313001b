import type { Context } from '../context.ts';
import { lastUsedDate } from './epochs-ledger.ts';
import type { WindowState } from './types.ts';
import { localDate, windowState } from './window.ts';

/** Where the clock is in the PHASE window, and whether its date is used. @throws KLR_E_CONFIG_INVALID */
export async function phaseWindow(
  ctx: Pick<Context, 'db' | 'fs' | 'paths' | 'clock' | 'config'>,
): Promise<WindowState> {
  const { window } = ctx.config.phase;
  const now = ctx.clock.now();
  return windowState(window, now, await lastUsedDate(ctx, localDate(window, now)));
}

/** Whether the baseline is to be measured alone: no epoch was completed for `phase.baseline_check`. */
export async function baselineCheckDue(ctx: Pick<Context, 'db' | 'clock' | 'config'>): Promise<boolean> {
  const every = ctx.config.phase.baseline_check;
  if (every === undefined) return false;
  const now = ctx.clock.now();
  const row = await ctx.db.get<{ ended: number | null }>(
    // One that ended in the future was written by a clock that was wrong: it puts off nothing.
    "SELECT MAX(ended_at) AS ended FROM epochs WHERE state = 'done' AND ended_at <= ?",
    now,
  );
  return (row?.ended ?? 0) + every <= now;
}
