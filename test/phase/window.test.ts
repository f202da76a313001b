import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { localDate, windowPieces, windowState } from '../../src/phase/window.ts';
import { keyAt, windowOf } from './clocks.ts';

const NY = 'America/New_York';

/** [case, start, end, zone, date, pieces as UTC] */
const TABLE: [string, string, string, string, string, string[]][] = [
  ['an ordinary night', '03:00', '07:00', NY, '2026-06-15', ['2026-06-15T07:00Z/2026-06-15T11:00Z']],
  // New York, 2026-03-08: 02:00 EST becomes 03:00 EDT at 07:00 UTC.
  ['a gap inside', '01:00', '04:00', NY, '2026-03-08', ['2026-03-08T06:00Z/2026-03-08T08:00Z']],
  ['a start inside the gap', '02:30', '05:00', NY, '2026-03-08', ['2026-03-08T07:00Z/2026-03-08T09:00Z']],
  ['a start at the gap', '02:00', '04:00', NY, '2026-03-08', ['2026-03-08T07:00Z/2026-03-08T08:00Z']],
  ['a start at the gap’s end', '03:00', '04:00', NY, '2026-03-08', ['2026-03-08T07:00Z/2026-03-08T08:00Z']],
  ['an end inside the gap', '01:00', '02:30', NY, '2026-03-08', ['2026-03-08T06:00Z/2026-03-08T07:00Z']],
  ['an end at the gap', '01:00', '02:00', NY, '2026-03-08', ['2026-03-08T06:00Z/2026-03-08T07:00Z']],
  ['wholly inside the gap', '02:15', '02:45', NY, '2026-03-08', []],
  ['exactly the gap', '02:00', '03:00', NY, '2026-03-08', []],
  // New York, 2026-11-01: 02:00 EDT becomes 01:00 EST at 06:00 UTC.
  ['an overlap inside', '01:00', '04:00', NY, '2026-11-01', ['2026-11-01T05:00Z/2026-11-01T09:00Z']],
  [
    'wholly inside the overlap',
    '01:15',
    '01:45',
    NY,
    '2026-11-01',
    ['2026-11-01T05:15Z/2026-11-01T05:45Z', '2026-11-01T06:15Z/2026-11-01T06:45Z'],
  ],
  ['exactly the overlap', '01:00', '02:00', NY, '2026-11-01', ['2026-11-01T05:00Z/2026-11-01T07:00Z']],
  [
    'into the overlap',
    '00:30',
    '01:30',
    NY,
    '2026-11-01',
    ['2026-11-01T04:30Z/2026-11-01T05:30Z', '2026-11-01T06:00Z/2026-11-01T06:30Z'],
  ],
  [
    'out of the overlap',
    '01:30',
    '03:00',
    NY,
    '2026-11-01',
    ['2026-11-01T05:30Z/2026-11-01T06:00Z', '2026-11-01T06:30Z/2026-11-01T08:00Z'],
  ],
  ['up to the overlap', '00:00', '01:00', NY, '2026-11-01', ['2026-11-01T04:00Z/2026-11-01T05:00Z']],
  ['from the overlap’s end', '02:00', '03:00', NY, '2026-11-01', ['2026-11-01T07:00Z/2026-11-01T08:00Z']],
  // Crossing midnight: the key is the date of the start.
  ['crossing midnight', '22:00', '02:00', 'UTC', '2026-12-31', ['2026-12-31T22:00Z/2027-01-01T02:00Z']],
  ['midnight into a gap', '23:00', '03:00', NY, '2026-03-07', ['2026-03-08T04:00Z/2026-03-08T07:00Z']],
  ['midnight into an overlap', '23:00', '03:00', NY, '2026-10-31', ['2026-11-01T03:00Z/2026-11-01T08:00Z']],
  ['up to 24:00', '20:00', '24:00', 'UTC', '2028-02-29', ['2028-02-29T20:00Z/2028-03-01T00:00Z']],
  ['the whole day', '00:00', '24:00', NY, '2026-03-08', ['2026-03-08T05:00Z/2026-03-09T04:00Z']],
  // Lord Howe shifts by half an hour: 2026-10-04 02:00 becomes 02:30, 2026-04-05 02:00 becomes 01:30.
  [
    'half an hour of gap',
    '02:00',
    '03:00',
    'Australia/Lord_Howe',
    '2026-10-04',
    ['2026-10-03T15:30Z/2026-10-03T16:00Z'],
  ],
  [
    'half an hour of overlap',
    '01:30',
    '02:00',
    'Australia/Lord_Howe',
    '2026-04-05',
    ['2026-04-04T14:30Z/2026-04-04T15:30Z'],
  ],
  // Cairo, 2026-04-24: midnight becomes 01:00. Back on 2026-10-29 at 24:00 to 23:00.
  [
    'a gap at midnight',
    '00:00',
    '02:00',
    'Africa/Cairo',
    '2026-04-24',
    ['2026-04-23T22:00Z/2026-04-23T23:00Z'],
  ],
  [
    'an overlap at midnight',
    '23:00',
    '24:00',
    'Africa/Cairo',
    '2026-10-29',
    ['2026-10-29T20:00Z/2026-10-29T22:00Z'],
  ],
  [
    'over midnight with an overlap before it',
    '23:30',
    '00:30',
    'Africa/Cairo',
    '2026-10-29',
    ['2026-10-29T20:30Z/2026-10-29T21:00Z', '2026-10-29T21:30Z/2026-10-29T22:30Z'],
  ],
  // Santiago, 2026-09-06: midnight becomes 01:00.
  [
    'another gap at midnight',
    '00:30',
    '03:00',
    'America/Santiago',
    '2026-09-06',
    ['2026-09-06T04:00Z/2026-09-06T06:00Z'],
  ],
  // Apia had no 2011-12-30.
  ['a missing day', '03:00', '07:00', 'Pacific/Apia', '2011-12-30', []],
  [
    'into a missing day',
    '22:00',
    '02:00',
    'Pacific/Apia',
    '2011-12-29',
    ['2011-12-30T08:00Z/2011-12-30T10:00Z'],
  ],
  [
    'out of a missing day',
    '22:00',
    '02:00',
    'Pacific/Apia',
    '2011-12-30',
    ['2011-12-30T10:00Z/2011-12-30T12:00Z'],
  ],
];

describe('a window is the instants at which its zone’s clocks show a time in it', () => {
  test.each(TABLE)('%s', (_case, start, end, zone, date, pieces) => {
    const found = windowPieces(windowOf(start, end, zone), date);
    const expected = pieces.map((piece) => {
      const [opens, closes] = piece.split('/').map((text) => Date.parse(text));
      return { opens, closes };
    });
    expect(found).toEqual(expected);
  });
});

describe('the state at an instant', () => {
  const window = windowOf('01:00', '04:00', NY);
  const at = (iso: string, last: string | null = null) => windowState(window, Date.parse(iso), last);

  test('names the key and the end inside, and the next start outside', () => {
    expect(at('2026-06-15T05:00Z')).toEqual({
      date: '2026-06-15',
      closesAt: Date.parse('2026-06-15T08:00Z'),
      nextOpensAt: Date.parse('2026-06-16T05:00Z'),
      used: false,
    });
    expect(at('2026-06-15T08:00Z')).toMatchObject({ date: null, closesAt: null, used: false });
    expect(at('2026-06-15T04:59:59.999Z')).toMatchObject({
      date: null,
      nextOpensAt: Date.parse('2026-06-15T05:00Z'),
    });
  });

  test('an overlap’s second pass belongs to the same key, and a used one stays used', () => {
    const inside = windowOf('01:15', '01:45', NY);
    const first = windowState(inside, Date.parse('2026-11-01T05:20Z'), null);
    const between = windowState(inside, Date.parse('2026-11-01T05:50Z'), null);
    const second = windowState(inside, Date.parse('2026-11-01T06:20Z'), '2026-11-01');
    expect(first).toMatchObject({
      date: '2026-11-01',
      closesAt: Date.parse('2026-11-01T05:45Z'),
      used: false,
    });
    expect(between).toMatchObject({ date: null, nextOpensAt: Date.parse('2026-11-01T06:15Z') });
    expect(second).toMatchObject({
      date: '2026-11-01',
      closesAt: Date.parse('2026-11-01T06:45Z'),
      used: true,
    });
  });

  test('a clock that steps back never re-opens a used date', () => {
    expect(at('2026-06-15T06:00Z', '2026-06-15').used).toBe(true);
    expect(at('2026-06-14T06:00Z', '2026-06-15')).toMatchObject({ date: '2026-06-14', used: true });
    expect(at('2026-06-16T06:00Z', '2026-06-15').used).toBe(false);
    for (const day of ['13', '14', '15'])
      expect(at(`2026-06-${day}T06:00Z`, '2026-06-15').nextOpensAt).toBe(Date.parse('2026-06-16T05:00Z'));
  });

  test('a day that the clocks skip is passed over', () => {
    const apia = windowOf('03:00', '07:00', 'Pacific/Apia');
    const { nextOpensAt } = windowState(apia, Date.parse('2011-12-30T09:00Z'), null);
    expect(new Date(nextOpensAt).toISOString()).toBe('2011-12-30T13:00:00.000Z');
    expect(localDate(apia, nextOpensAt)).toBe('2011-12-31');
  });

  test('an invalid zone is a configuration error, never UTC', () => {
    const broken = windowOf('03:00', '07:00', 'Mars/Olympus');
    expect(() => windowState(broken, 0, null)).toThrow(
      expect.objectContaining({ code: 'KLR_E_CONFIG_INVALID' }),
    );
    expect(() => localDate(broken, 0)).toThrow(expect.objectContaining({ code: 'KLR_E_CONFIG_INVALID' }));
  });
});

describe('at random zones, windows and instants', () => {
  const pad = (n: number) => String(n).padStart(2, '0');
  const time = fc.integer({ min: 0, max: 95 }).map((n) => `${pad(Math.floor(n / 4))}:${pad((n % 4) * 15)}`);
  const window = fc
    .record({
      start: time,
      end: fc.oneof(time, fc.constant('24:00')),
      zone: fc.constantFrom(...Intl.supportedValuesOf('timeZone')),
    })
    .filter((w) => w.start !== w.end);
  const year = (y: number) => Date.UTC(y, 0, 1);
  const day = fc.integer({ min: year(2000), max: year(2040) });
  // Half of the instants lie around a change of the clocks, where the rules are.
  const instant = (zone: string) =>
    fc
      .tuple(day, fc.boolean(), fc.integer({ min: -6 * 3_600_000, max: 6 * 3_600_000 }))
      .map(([at, near, by]) => {
        const next = near
          ? Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).getTimeZoneTransition('next')
          : null;
        return (next?.epochMilliseconds ?? at) + by;
      });
  const sample = window.chain((w) => fc.record({ window: fc.constant(w), now: instant(w.zone) }));

  /** What Intl makes of an instant: not the code under test, and not Temporal. */
  function wall(zone: string, now: number): { date: string; minute: number } {
    const parts = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    }).formatToParts(now);
    const get = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
    return {
      date: `${get('year')}-${get('month')}-${get('day')}`,
      minute: Number(get('hour')) * 60 + Number(get('minute')),
    };
  }

  test('the key is what the wall clock says, and one instant has one key', () => {
    fc.assert(
      fc.property(sample, ({ window: w, now }) => {
        const { date, minute } = wall(w.zone, now);
        expect(windowState(w, now, null).date).toBe(keyAt(w, date, minute));
        expect(localDate(w, now)).toBe(date);
      }),
      { numRuns: 3000 },
    );
  });

  test('it closes at the first instant outside, and opens next at the first one inside', () => {
    fc.assert(
      fc.property(sample, ({ window: w, now }) => {
        const state = windowState(w, now, null);
        if (state.date !== null && state.closesAt !== null) {
          expect(state.closesAt).toBeGreaterThan(now);
          expect(windowState(w, state.closesAt - 1, null).date).toBe(state.date);
          expect(windowState(w, state.closesAt, null).date).not.toBe(state.date);
        }
        const next = windowState(w, state.nextOpensAt, null);
        expect(state.nextOpensAt).toBeGreaterThan(now);
        expect(next.date).not.toBeNull();
        expect(windowState(w, state.nextOpensAt - 1, null).date).not.toBe(next.date);
      }),
      { numRuns: 2000 },
    );
  });

  test('a key has one opening, or two when the clocks are set back out of it, never more', () => {
    fc.assert(
      fc.property(sample, ({ window: w, now }) => {
        const pieces = windowPieces(w, localDate(w, now));
        expect(pieces.length).toBeLessThanOrEqual(2);
        for (const [i, piece] of pieces.entries()) {
          expect(piece.opens).toBeLessThan(piece.closes);
          expect(piece.opens).toBeGreaterThan(pieces[i - 1]?.closes ?? Number.NEGATIVE_INFINITY);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('the first instant after a gap is the start of a window that starts inside it', () => {
    fc.assert(
      fc.property(sample, ({ window: w, now }) => {
        const change = Temporal.Instant.fromEpochMilliseconds(now)
          .toZonedDateTimeISO(w.zone)
          .getTimeZoneTransition('next');
        if (!change) return;
        const before = wall(w.zone, change.epochMilliseconds - 1);
        const after = wall(w.zone, change.epochMilliseconds);
        const gap = after.date === before.date && after.minute > before.minute + 1;
        const [hours = 0, quarter = 0] = w.start.split(':').map(Number);
        const start = hours * 60 + quarter;
        if (!gap || start <= before.minute || start >= after.minute) return;
        const pieces = windowPieces(w, after.date);
        if (pieces.length > 0) expect(pieces[0]?.opens).toBe(change.epochMilliseconds);
      }),
      { numRuns: 3000 },
    );
  });
});
