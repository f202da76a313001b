import type { WindowConfig } from '../../src/config/schema.ts';

export function windowOf(start: string, end: string, zone: string): WindowConfig {
  return { start, end, zone };
}

function minutes(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}

/** The key of the window that a wall clock showing `date` and `minute` is in, by its definition; null outside. */
export function keyAt(window: WindowConfig, date: string, minute: number): string | null {
  const start = minutes(window.start);
  const end = minutes(window.end);
  if (start < end) return minute >= start && minute < end ? date : null;
  if (minute >= start) return date;
  return minute < end ? dayBefore(date) : null;
}

function dayBefore(date: string): string {
  return new Date(Date.parse(`${date}T00:00Z`) - 86_400_000).toISOString().slice(0, 10);
}
