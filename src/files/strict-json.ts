export interface JsonLimits {
  /** Objects and lists inside each other; default 32. */
  readonly maxDepth?: number;
  /** Keys of all objects together; default 1,000. */
  readonly maxKeys?: number;
}

export type JsonResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string };

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

/** The next string, bracket or comma of a text that is known to be JSON; a string that ends in `:` is a key. */
const TOKEN = /"((?:[^"\\]|\\.)*)"(\s*:)?|[{}[\]]/g;

/** What JSON.parse does not mind, in a text that it accepted: depth, number of keys, forbidden and repeated keys. */
function structureProblem(text: string, maxDepth: number, maxKeys: number): string | null {
  const open: Set<string>[] = [];
  let keys = 0;
  for (const [token, , colon] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') {
      if (open.push(new Set()) > maxDepth) return `more than ${maxDepth} levels deep`;
    } else if (token === '}' || token === ']') {
      open.pop();
    } else if (colon !== undefined) {
      const key = String(JSON.parse(token.slice(0, -colon.length)));
      const siblings = open.at(-1);
      if (FORBIDDEN.has(key)) return `the key ${JSON.stringify(key)} is not allowed`;
      if (siblings?.has(key)) return `the key ${JSON.stringify(key)} is there twice`;
      siblings?.add(key);
      keys += 1;
      if (keys > maxKeys) return `more than ${maxKeys} keys`;
    }
  }
  return null;
}

/** The value with objects that have no prototype, so that no key means anything but itself. */
function withoutPrototypes(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('a number is out of range');
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(withoutPrototypes);
  const copy: Record<string, unknown> = Object.create(null);
  for (const [key, inner] of Object.entries(value)) copy[key] = withoutPrototypes(inner);
  return copy;
}

/**
 * Reads JSON from outside (RFC 8259) and takes nothing that two readers could understand differently: no repeated
 * key, no number beyond a double, no byte-order mark, nothing behind the value; no keys that reach a prototype.
 * Objects in the result have no prototype. `reason` says what is wrong, in words.
 * @example parseStrictJson('{"a":1,"a":2}') // { ok: false, reason: 'the key "a" is there twice' }
 */
export function parseStrictJson(text: string, limits: JsonLimits = {}): JsonResult {
  if (text.trim() === '') return { ok: false, reason: 'it is empty' };
  if (text.startsWith('\ufeff')) return { ok: false, reason: 'it starts with a byte-order mark' };
  try {
    const value: unknown = JSON.parse(text);
    const reason = structureProblem(text, limits.maxDepth ?? 32, limits.maxKeys ?? 1000);
    if (reason !== null) return { ok: false, reason };
    return { ok: true, value: withoutPrototypes(value) };
  } catch (error) {
    return { ok: false, reason: `not valid JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}
