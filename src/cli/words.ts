const SECOND_MS = 1000;
const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [SECOND_MS, 's'],
];

/** A length of time in its two largest units: "2 d 3 h", "4 min 5 s", "1.3 s", "45 ms". */
export function lengthOf(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  const parts: string[] = [];
  let left = Math.round(ms / SECOND_MS) * SECOND_MS;
  for (const [size, unit] of UNITS) {
    const n = Math.floor(left / size);
    if (n > 0 && parts.length < 2) parts.push(`${n} ${unit}`);
    left -= n * size;
  }
  return parts.join(' ');
}

/** "3 min ago", "in 2 h", relative to `now`. */
export function relative(ts: number, now: number): string {
  const ms = Math.abs(ts - now);
  if (ms < SECOND_MS) return 'now';
  return ts < now ? `${lengthOf(ms)} ago` : `in ${lengthOf(ms)}`;
}

/** Local date and time with the offset: the zone is never a guess. */
export function timeOf(ts: number): string {
  const local = new Date(ts);
  const offset = -local.getTimezoneOffset();
  const sign = offset < 0 ? '-' : '+';
  const two = (n: number) => String(Math.trunc(Math.abs(n))).padStart(2, '0');
  const date = `${local.getFullYear()}-${two(local.getMonth() + 1)}-${two(local.getDate())}`;
  const time = `${two(local.getHours())}:${two(local.getMinutes())}:${two(local.getSeconds())}`;
  return `${date} ${time} ${sign}${two(offset / 60)}:${two(offset % 60)}`;
}

/** `timeOf`, and how long ago or ahead. */
export function moment(ts: number, now: number): string {
  return `${timeOf(ts)} (${relative(ts, now)})`;
}

/** "+12.3 %". */
export function percent(share: number): string {
  return `${share >= 0 ? '+' : ''}${(100 * share).toFixed(1)} %`;
}

export const plural = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;

/** A value of a parameter; a dash where there is none. */
export function valueWords(value: unknown): string {
  if (value === null || value === undefined) return '–';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** "cache=64 mode=fast". */
export const paramWords = (params: Readonly<Record<string, unknown>>) =>
  Object.entries(params)
    .map(([name, value]) => `${name}=${valueWords(value)}`)
    .join(' ');
