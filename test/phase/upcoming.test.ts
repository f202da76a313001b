import { expect, test } from 'vitest';
import type { WindowConfig } from '../../src/config/schema.ts';
import { upcomingWindows, viewWindow } from '../../src/phase/upcoming.ts';
import { testContext } from '../support/context.ts';

const HOUR = 3_600_000;
const at = (text: string) => Date.parse(text);
const berlin = (start: string, end: string): WindowConfig => ({ start, end, zone: 'Europe/Berlin' });

test.each([
  // 2027-03-28 in Berlin: 02:00 becomes 03:00; 2026-10-25: 03:00 becomes 02:00.
  [
    'an ordinary night',
    berlin('01:00', '05:00'),
    '2026-11-25',
    '2026-11-25T00:00Z',
    '2026-11-25T04:00Z',
    4,
    0,
  ],
  [
    'the clocks go forward in it',
    berlin('01:00', '05:00'),
    '2027-03-28',
    '2027-03-28T00:00Z',
    '2027-03-28T03:00Z',
    3,
    -1,
  ],
  [
    'the clocks go back in it',
    berlin('01:00', '05:00'),
    '2026-10-25',
    '2026-10-24T23:00Z',
    '2026-10-25T04:00Z',
    5,
    1,
  ],
  [
    'a start in the gap',
    berlin('02:30', '05:00'),
    '2027-03-28',
    '2027-03-28T01:00Z',
    '2027-03-28T03:00Z',
    2,
    -0.5,
  ],
  [
    'both passes of an overlap',
    berlin('02:00', '03:00'),
    '2026-10-25',
    '2026-10-25T00:00Z',
    '2026-10-25T02:00Z',
    2,
    1,
  ],
  ['over midnight', berlin('23:00', '01:00'), '2026-11-25', '2026-11-25T22:00Z', '2026-11-26T00:00Z', 2, 0],
])(
  '%s: when it opens and closes, and how much the clocks shift it',
  (_name, window, date, opens, closes, hours, shift) => {
    expect(viewWindow(window, date)).toEqual({
      date,
      opensAt: at(opens),
      closesAt: at(closes),
      lengthMs: hours * HOUR,
      shiftMs: shift * HOUR,
    });
  },
);

test('a window that the clocks skip altogether is none', () => {
  expect(viewWindow(berlin('02:00', '03:00'), '2027-03-28')).toBeNull();
});

test('inside a window both it and the next one are told; outside only the next', async () => {
  const config = { phase: { window: berlin('01:00', '05:00') } };
  const inside = await testContext({ config, now: at('2026-11-25T02:00Z') });
  expect(await upcomingWindows(inside)).toMatchObject({
    open: { date: '2026-11-25', used: false, closesAt: at('2026-11-25T04:00Z') },
    next: { date: '2026-11-26', opensAt: at('2026-11-26T00:00Z') },
  });
  await inside.cleanup();
  const outside = await testContext({ config, now: at('2026-11-25T12:00Z') });
  expect(await upcomingWindows(outside)).toMatchObject({ open: null, next: { date: '2026-11-26' } });
  await outside.cleanup();
});
