import { z } from 'zod';
import { DURATION, parseQuantity, type Quantity, SIZE } from './quantity.ts';

function unit(quantity: Quantity) {
  return z
    .string(quantity.what)
    .regex(quantity.pattern, quantity.what)
    .transform((text) => parseQuantity(quantity, text));
}

/** "250ms", "90s", "5m", "24h", "7d" to milliseconds. */
export const duration = unit(DURATION);
/** "512B", "64MiB", "2GiB" to bytes. */
export const size = unit(SIZE);
