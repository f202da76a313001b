import { expect, test } from 'vitest';
import { windowPieces, windowState } from '../../src/phase/window.ts';
import { keyAt, windowOf } from './clocks.ts';

const FROM = Date.UTC(2000, 0, 1);
const TO = Date.UTC(2041, 0, 1);
const MINUTE = 60_000;
/** Minutes looked at on either side of a change of the clocks. */
const AROUND = 180;

interface Change {
  readonly at: number;
  /** Offsets from UTC, ms. */
  readonly before: number;
  readonly after: number;
}

function changes(zone: string): Change[] {
  const found: Change[] = [];
  let at: Temporal.ZonedDateTime | null =
    Temporal.Instant.fromEpochMilliseconds(FROM).toZonedDateTimeISO(zone);
  while (at) {
    const before: number = at.offsetNanoseconds / 1e6;
    at = at.getTimeZoneTransition('next');
    if (!at || at.epochMilliseconds >= TO) break;
    found.push({ at: at.epochMilliseconds, before, after: at.offsetNanoseconds / 1e6 });
  }
  return found;
}

const hhmm = (minute: number) => {
  const m = ((minute % 1440) + 1440) % 1440;
  return `${String(Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}`;
};

/** Windows that hold the change, start in it, end in it, lie in it, touch it, and cross midnight. */
function windowsAround(zone: string, { at, before, after }: Change) {
  const minuteOf = (ms: number) => Math.floor((((ms % 86_400_000) + 86_400_000) % 86_400_000) / MINUTE);
  const low = minuteOf(at + Math.min(before, after));
  const size = Math.abs(after - before) / MINUTE;
  const middle = low + Math.floor(size / 2);
  const spans = [
    [low - 90, low + size + 90],
    [middle, low + size + 60],
    [low - 60, middle],
    [low + Math.floor(size / 4), low + Math.ceil((size * 3) / 4)],
    [low - 60, low],
    [low + size, low + size + 60],
    [22 * 60, 26 * 60],
  ];
  return spans
    .map(([start = 0, end = 0]) => windowOf(hhmm(start), hhmm(end), zone))
    .filter((window) => window.start !== window.end);
}

test('every change of the clocks in every zone, 2000 to 2040, minute by minute', () => {
  const zones = Intl.supportedValuesOf('timeZone');
  let transitions = 0;
  let evaluations = 0;
  for (const zone of zones)
    for (const change of changes(zone)) {
      transitions += 1;
      const noon = new Date(change.at + change.after).toISOString().slice(0, 10);
      const dates = [-2, -1, 0, 1].map((by) =>
        new Date(Date.parse(`${noon}T00:00Z`) + by * 86_400_000).toISOString().slice(0, 10),
      );
      for (const window of windowsAround(zone, change)) {
        const pieces = dates.flatMap((date) =>
          windowPieces(window, date).map((piece) => ({ ...piece, date })),
        );
        for (let minute = -AROUND; minute < AROUND; minute++) {
          const now = change.at + minute * MINUTE;
          const shown = now + (minute < 0 ? change.before : change.after);
          // The clocks of a zone may show odd seconds; the window counts whole minutes of what they show.
          const expected = keyAt(
            window,
            new Date(shown).toISOString().slice(0, 10),
            Math.floor((((shown % 86_400_000) + 86_400_000) % 86_400_000) / MINUTE),
          );
          const found = pieces.filter((piece) => piece.opens <= now && now < piece.closes);
          evaluations += 1;
          if (found.length > 1 || (found[0]?.date ?? null) !== expected)
            expect.fail(
              `${zone} ${JSON.stringify(window)} at ${new Date(now).toISOString()}: ${JSON.stringify(found)}, expected ${expected}`,
            );
        }
        for (const now of [
          change.at - 1,
          change.at,
          ...pieces.flatMap((piece) => [piece.opens, piece.closes - 1]),
        ])
          expect(windowState(window, now, null).date).toBe(
            pieces.find((piece) => piece.opens <= now && now < piece.closes)?.date ?? null,
          );
      }
    }
  process.stdout.write(`${zones.length} zones, ${transitions} transitions, ${evaluations} evaluations\n`);
  expect(zones.length).toBeGreaterThan(400);
  expect(transitions).toBeGreaterThan(10_000);
});
