import type { WindowConfig } from '../config/schema.ts';
import type { Upcoming, WindowView } from '../phase/upcoming.ts';
import { pairs } from './output.ts';
import { lengthOf, plural, relative } from './words.ts';

/** What `kloros phase next` prints. */
export interface NextWindow extends Upcoming {
  readonly now: number;
  readonly window: WindowConfig;
  readonly due: boolean;
  readonly reason: string;
  readonly screened: number;
}

const zonedTime = (ts: number, zone: string) =>
  Temporal.Instant.fromEpochMilliseconds(ts).toZonedDateTimeISO(zone);
const minutesOf = (at: Temporal.ZonedDateTime) => at.toPlainTime().toString({ smallestUnit: 'minute' });

/** "Wed 2026-11-25 03:00 +01:00", by the clocks of the zone. */
function zoned(ts: number, zone: string): string {
  const at = zonedTime(ts, zone);
  return `${at.toLocaleString('en', { weekday: 'short' })} ${at.toPlainDate()} ${minutesOf(at)} ${at.offset}`;
}

/** The end by its time alone where it is on the same day as the start. */
function windowWords({ opensAt, closesAt, lengthMs }: WindowView, zone: string): string {
  const [opens, closes] = [zonedTime(opensAt, zone), zonedTime(closesAt, zone)];
  const sameDay = opens.toPlainDate().equals(closes.toPlainDate());
  const end = sameDay ? `${minutesOf(closes)} ${closes.offset}` : zoned(closesAt, zone);
  return `${zoned(opensAt, zone)} to ${end}, ${lengthOf(lengthMs)}`;
}

/** What a change of the clocks does to a window; null on other days. */
function shiftWords({ shiftMs, date }: WindowView): string | null {
  if (shiftMs === 0) return null;
  const [way, size] = shiftMs < 0 ? ['forward', 'shorter'] : ['back', 'longer'];
  return `set ${way} in the window of ${date}: it is ${lengthOf(Math.abs(shiftMs))} ${size}, and still one epoch`;
}

export function nextWindowWords({ now, window, open, next, due, reason, screened }: NextWindow): string {
  const { start, end, zone } = window;
  const shifts = [open, next].flatMap((view) => (view ? (shiftWords(view) ?? []) : []));
  const lines: (readonly [string, string])[] = [
    ['now', zoned(now, zone)],
    ['window', `${start} to ${end}, ${zone}, every day`],
    ...(open
      ? ([
          [
            'open',
            `${windowWords(open, zone)}; closes ${relative(open.closesAt, now)}${open.used ? '; its epoch was run' : ''}`,
          ],
        ] as const)
      : []),
    ['next', next ? `${windowWords(next, zone)}; opens ${relative(next.opensAt, now)}` : 'none'],
    ...shifts.map((words) => ['clocks', words] as const),
    ['epoch', due ? `due now: ${reason}` : `not now: ${reason}`],
    ['waiting', screened === 0 ? 'no screened promotion' : plural(screened, 'screened promotion')],
  ];
  return pairs(lines);
}
