import { InvalidArgumentError } from 'commander';
import { DURATION, parseQuantity } from '../config/quantity.ts';

/** Parsers of options and arguments: a value, or what was expected instead. */

/** A whole number from `low` to `high`. */
export function wholeNumber(low: number, high: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const range = high === Number.MAX_SAFE_INTEGER ? `from ${low}` : `from ${low} to ${high}`;
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high)
      throw new InvalidArgumentError(`Expected a whole number ${range}.`);
    return value;
  };
}

/** The number of a baseline: 3 or v3. */
export function versionNumber(text: string): number {
  const [, digits] = /^v?(\d{1,9})$/.exec(text) ?? [];
  if (digits === undefined)
    throw new InvalidArgumentError('Expected the number of a version, such as 3 or v3.');
  return Number(digits);
}

/** A moment, ms since the epoch: a duration ago ("2h"), or a date or time (ISO 8601; local without an offset). */
export function momentBefore(text: string): number {
  const ago = parseQuantity(DURATION, text);
  if (!Number.isNaN(ago)) return Date.now() - ago;
  const dateAlone = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const ts = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(dateAlone ? `${text}T00:00` : text) : Number.NaN;
  if (Number.isNaN(ts))
    throw new InvalidArgumentError(
      'Expected a duration such as 30m, 2h or 7d, or a date or time (ISO 8601).',
    );
  return ts;
}

/** The start of a SHA-256, at least 12 of its hex digits. */
export function hashPrefix(text: string): string {
  if (!/^[0-9a-f]{12,64}$/.test(text))
    throw new InvalidArgumentError('Expected at least the first 12 hex digits of a SHA-256.');
  return text;
}
