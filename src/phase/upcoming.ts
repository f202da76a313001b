import type { WindowConfig } from '../config/schema.ts';
import type { Context } from '../context.ts';
import { phaseWindow } from './due.ts';
import { windowPieces, windowState } from './window.ts';

/** One window by its key, as its zone's clocks really have it. Times are ms since the Unix epoch. */
export interface WindowView {
  readonly date: string;
  readonly opensAt: number;
  readonly closesAt: number;
  /** How long it is open in all. */
  readonly lengthMs: number;
  /** How much longer (or, below 0, shorter) than on other days, because the clocks are set in it. */
  readonly shiftMs: number;
}

export interface Upcoming {
  /** The window that is open now, used or not. */
  readonly open: (WindowView & { readonly used: boolean }) | null;
  readonly next: WindowView | null;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** The length that the local times alone say. */
function usualLength({ start, end }: WindowConfig): number {
  const minutes = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
  const length = (minutes(end) - minutes(start)) * MINUTE_MS;
  return length > 0 ? length : length + DAY_MS;
}

/** The window of a date; null when the clocks skip it. Pure. */
export function viewWindow(window: WindowConfig, date: string): WindowView | null {
  const pieces = windowPieces(window, date);
  const [first, last] = [pieces[0], pieces.at(-1)];
  if (!first || !last) return null;
  const lengthMs = pieces.reduce((sum, { opens, closes }) => sum + closes - opens, 0);
  const shiftMs = lengthMs - usualLength(window);
  return { date, opensAt: first.opens, closesAt: last.closes, lengthMs, shiftMs };
}

/** The window that is open now and the next one to open. @throws KLR_E_CONFIG_INVALID for a zone that is none */
export async function upcomingWindows(
  ctx: Pick<Context, 'db' | 'fs' | 'paths' | 'clock' | 'config'>,
): Promise<Upcoming> {
  const { window } = ctx.config.phase;
  const state = await phaseWindow(ctx);
  const nextDate = windowState(window, state.nextOpensAt, null).date;
  const open = state.date === null ? null : viewWindow(window, state.date);
  return {
    open: open && { ...open, used: state.used },
    next: nextDate === null ? null : viewWindow(window, nextDate),
  };
}
