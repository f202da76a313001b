/** How durations and sizes are written: a number and a unit. Knows no schema, so that the command line can use it. */

export interface Quantity {
  readonly pattern: RegExp;
  /** The value of each unit, smallest first. */
  readonly units: Readonly<Record<string, number>>;
  /** What to write, in words. */
  readonly what: string;
}

/** "250ms", "90s", "5m", "24h", "7d" as milliseconds. */
export const DURATION: Quantity = {
  pattern: /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/,
  units: { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 },
  what: 'a duration such as 250ms, 90s, 5m, 24h or 7d',
};

/** "512B", "64MiB", "2GiB" as bytes. */
export const SIZE: Quantity = {
  pattern: /^(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|TiB)$/,
  units: { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
  what: 'a size such as 512B, 64KiB, 64MiB or 2GiB',
};

/** The value of a text in the smallest unit, rounded; NaN for what is no such quantity. */
export function parseQuantity({ pattern, units }: Quantity, text: string): number {
  const [, amount, unit] = pattern.exec(text) ?? [];
  return Math.round(Number(amount) * (units[unit ?? ''] ?? Number.NaN));
}

/** A value as `parseQuantity` reads it, in the largest unit that leaves no fraction. */
export function formatQuantity({ units }: Quantity, value: number): string {
  const [smallest = ['', 1] as const] = Object.entries(units);
  const fits = value === 0 ? undefined : Object.entries(units).findLast(([, size]) => value % size === 0);
  const [unit, size] = fits ?? smallest;
  return `${value / size}${unit}`;
}
