import { expect, test } from 'vitest';
import { windowState } from '../../src/phase/window.ts';

const at = (iso: string, start: string, end: string, zone: string) =>
  windowState({ start, end, zone }, Date.parse(iso), null);

test('S9: the window is evaluated in its own zone, not in UTC', () => {
  // 08:00 UTC is 03:00 in New York in winter and 04:00 in summer: both in the window, and neither by UTC.
  expect(at('2026-01-15T08:00Z', '03:00', '07:00', 'America/New_York').date).toBe('2026-01-15');
  expect(at('2026-07-15T08:00Z', '03:00', '07:00', 'America/New_York').date).toBe('2026-07-15');
  expect(at('2026-01-15T04:00Z', '03:00', '07:00', 'America/New_York').date).toBeNull();
  // 20:00 UTC on the 14th is 05:00 on the 15th in Tokyo: the key is the local date.
  expect(at('2026-01-14T20:00Z', '03:00', '07:00', 'Asia/Tokyo').date).toBe('2026-01-15');
});

test('S9: the same instant is inside in summer and outside in winter, by the zone’s own clocks', () => {
  expect(at('2026-07-15T07:30Z', '03:00', '04:00', 'America/New_York').date).toBe('2026-07-15');
  expect(at('2026-01-15T07:30Z', '03:00', '04:00', 'America/New_York').date).toBeNull();
});

test('S9: a window may cross midnight, and keeps the key of its start', () => {
  expect(at('2026-01-16T04:00Z', '22:00', '02:00', 'America/New_York').date).toBe('2026-01-15');
  expect(at('2026-01-16T06:59Z', '22:00', '02:00', 'America/New_York').date).toBe('2026-01-15');
  expect(at('2026-01-16T07:00Z', '22:00', '02:00', 'America/New_York').date).toBeNull();
});
