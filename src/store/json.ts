import { createHash } from 'node:crypto';

/** JSON with the keys of every object sorted, so that equal values have equal text (and hashes). */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  );
}

/** SHA-256 as 64 lower-case hex digits. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Reads a JSON column that this program wrote. */
export function fromJson<T>(text: string | number | null | undefined): T {
  return JSON.parse(String(text)) as T;
}
