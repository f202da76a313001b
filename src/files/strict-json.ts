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

/** Where the string that starts at `start` ends: the index behind its closing quote. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

const COLON = /\s*:/y;

/** Whether a colon comes next, so that the string before it is a key. */
function colonFollows(text: string, at: number): boolean {
  COLON.lastIndex = at;
  return COLON.test(text);
}

/** What JSON.parse does not mind, in a text that it accepted: depth, number of keys, forbidden and repeated keys. */
function structureProblem(text: string, maxDepth: number, maxKeys: number): string | null {
  const open: Set<string>[] = [];
  let keys = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '{' || char === '[') {
      if (open.push(new Set()) > maxDepth) return `it is more than ${maxDepth} levels deep`;
    } else if (char === '}' || char === ']') {
      open.pop();
    } else if (char === '"') {
      const end = endOfString(text, at);
      if (colonFollows(text, end)) {
        const problem = keyProblem(text.slice(at, end), open.at(-1));
        if (problem !== null) return problem;
        keys += 1;
        if (keys > maxKeys) return `it has more than ${maxKeys} keys`;
      }
      at = end - 1;
    }
  }
  return null;
}

/** What is wrong with a key (a JSON string) beside its siblings, to which it is added. */
function keyProblem(token: string, siblings: Set<string> | undefined): string | null {
  const key = String(JSON.parse(token));
  if (FORBIDDEN.has(key)) return `the key ${token} is not allowed`;
  if (siblings?.has(key)) return `the key ${token} is there twice`;
  siblings?.add(key);
  return null;
}

function allFinite(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return value === null || typeof value !== 'object' || Object.values(value).every(allFinite);
}

/** The value with objects that have no prototype, so that no key means anything but itself. */
function withoutPrototypes(value: unknown): unknown {
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
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, reason: `not valid JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  const reason = structureProblem(text, limits.maxDepth ?? 32, limits.maxKeys ?? 1000);
  if (reason !== null) return { ok: false, reason };
  if (!allFinite(value)) return { ok: false, reason: 'a number is beyond the range of a double' };
  return { ok: true, value: withoutPrototypes(value) };
}
