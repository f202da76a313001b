import { z } from 'zod';

const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/;
const DURATION_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE = /^(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|TiB)$/;
const SIZE_BYTES: Record<string, number> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

function unit(pattern: RegExp, factors: Record<string, number>, what: string) {
  return z
    .string(what)
    .regex(pattern, what)
    .transform((text) => {
      const [, amount, suffix] = pattern.exec(text) ?? [];
      return Math.round(Number(amount) * (factors[suffix ?? ''] ?? Number.NaN));
    });
}

/** "250ms", "90s", "5m", "24h", "7d" to milliseconds. */
export const duration = unit(DURATION, DURATION_MS, 'a duration such as 250ms, 90s, 5m, 24h or 7d');
/** "512B", "64MiB", "2GiB" to bytes. */
export const size = unit(SIZE, SIZE_BYTES, 'a size such as 512B, 64KiB, 64MiB or 2GiB');
