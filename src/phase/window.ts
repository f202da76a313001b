import type { WindowConfig } from '../config/schema.ts';
import { KlorosError } from '../errors.ts';
import type { WindowState } from './types.ts';

/** A stretch of time [opens, closes), ms since the Unix epoch. */
export interface Piece {
  readonly opens: number;
  readonly closes: number;
}

const MINUTES_A_DAY = 1440;
/** No zone is further from UTC than this, hours. */
const FURTHEST_OFFSET = 26;
/** Windows that have no instant at all (a missing day, inside a gap) are passed over; this many days are looked at. */
const LOOK_AHEAD_DAYS = 400;

function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}

/** Minutes after the midnight of the key's date; the end is later than the start, on the next day where it has to be. */
function bounds(window: WindowConfig): { start: number; end: number } {
  const start = minutesOf(window.start) % MINUTES_A_DAY;
  const end = minutesOf(window.end);
  return { start, end: end <= start ? end + MINUTES_A_DAY : end };
}

function local(window: WindowConfig, now: number): Temporal.ZonedDateTime {
  try {
    return Temporal.Instant.fromEpochMilliseconds(Math.floor(now)).toZonedDateTimeISO(window.zone);
  } catch (cause) {
    throw new KlorosError('KLR_E_CONFIG_INVALID', `phase.window.zone: ${window.zone} is no time zone`, {
      where: 'phase.window.zone',
      cause,
    });
  }
}

/** The local date of an instant in the window's zone, ISO. @throws KLR_E_CONFIG_INVALID for a zone that is none */
export function localDate(window: WindowConfig, now: number): string {
  return local(window, now).toPlainDate().toString();
}

/**
 * The instants at which the zone's clocks show a time in the window that starts on `date`: exactly the ones in
 * [start, end), so a start inside a gap is the first instant after it, and in an overlap both passes belong to it.
 * Mostly one piece; none when the clocks skip it; two when they are set back out of it and into it again.
 */
export function windowPieces(window: WindowConfig, date: string): Piece[] {
  const midnight = Date.parse(`${date}T00:00Z`);
  const { start, end } = bounds(window);
  const from = midnight + start * 60_000;
  const to = midnight + end * 60_000;
  const pieces: Piece[] = [];
  const last = to + FURTHEST_OFFSET * 3_600_000;
  let at: Temporal.ZonedDateTime | null = local(window, from - FURTHEST_OFFSET * 3_600_000);
  while (at && at.epochMilliseconds < last) {
    const offset = at.offsetNanoseconds / 1e6;
    const next: Temporal.ZonedDateTime | null = at.getTimeZoneTransition('next');
    const opens = Math.max(from - offset, at.epochMilliseconds);
    const closes = Math.min(to - offset, next?.epochMilliseconds ?? Number.POSITIVE_INFINITY);
    const before = pieces.at(-1);
    if (opens < closes && before?.closes === opens)
      pieces[pieces.length - 1] = { opens: before.opens, closes };
    else if (opens < closes) pieces.push({ opens, closes });
    at = next;
  }
  return pieces;
}

function addDays(date: string, days: number): string {
  return Temporal.PlainDate.from(date).add({ days }).toString();
}

/** The key of the window that is open at a local time, or null. An instant has one local time, so it has one key. */
function openDate(window: WindowConfig, at: Temporal.ZonedDateTime): string | null {
  const { start, end } = bounds(window);
  const minute = at.hour * 60 + at.minute;
  const date = at.toPlainDate().toString();
  if (minute >= start && minute < end) return date;
  return minute + MINUTES_A_DAY < end ? addDays(date, -1) : null;
}

function nextOpening(
  window: WindowConfig,
  today: string,
  now: number,
  lastUsedDate: string | null,
): number | null {
  for (let day = -1; day < LOOK_AHEAD_DAYS; day++) {
    const date = addDays(today, day);
    if (lastUsedDate !== null && date <= lastUsedDate) continue;
    const piece = windowPieces(window, date).find(({ opens }) => opens > now);
    if (piece) return piece.opens;
  }
  return null;
}

/**
 * Where `now` is in the PHASE window (design: section 7): the local interval [start, end) of an IANA zone, evaluated
 * on instants, keyed by the local date of its start.
 * @param now ms since the Unix epoch
 * @param lastUsedDate the latest date that an epoch was started for: it and every date before it are used, so that a
 * clock that steps back re-opens nothing
 * @throws KLR_E_CONFIG_INVALID for a zone that is none
 */
export function windowState(window: WindowConfig, now: number, lastUsedDate: string | null): WindowState {
  const at = local(window, now);
  const date = openDate(window, at);
  const open =
    date === null ? undefined : windowPieces(window, date).find((p) => p.opens <= now && now < p.closes);
  const today = at.toPlainDate().toString();
  const nextOpensAt =
    nextOpening(window, today, now, lastUsedDate) ??
    nextOpening(window, today, now, null) ??
    now + 86_400_000;
  return {
    date: open ? date : null,
    closesAt: open?.closes ?? null,
    nextOpensAt,
    used: open !== undefined && date !== null && lastUsedDate !== null && date <= lastUsedDate,
  };
}
