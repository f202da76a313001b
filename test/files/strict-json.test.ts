import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseStrictJson } from '../../src/files/strict-json.ts';

const reasonOf = (text: string, limits = {}) => {
  const result = parseStrictJson(text, limits);
  return result.ok ? 'accepted' : result.reason;
};

test.for([
  ['nothing', '', 'it is empty'],
  ['spaces', ' \n\t', 'it is empty'],
  ['NaN', '{"a":NaN}', 'not valid JSON'],
  ['Infinity', '[Infinity]', 'not valid JSON'],
  ['-Infinity', '[-Infinity]', 'not valid JSON'],
  ['1e999', '{"a":1e999}', 'beyond the range'],
  ['-1e999 deep inside', '{"a":[{"b":-1e999}]}', 'beyond the range'],
  ['a hexadecimal number', '[0x10]', 'not valid JSON'],
  ['a decimal comma', '{"a":1,5}', 'not valid JSON'],
  ['a leading zero', '[010]', 'not valid JSON'],
  ['a repeated key', '{"a":1,"a":2}', 'the key "a" is there twice'],
  ['a repeated key, escaped once', '{"a":1,"\\u0061":2}', 'is there twice'],
  ['a repeated key far inside', '[{"x":{"k":1,"b":{"k":2},"k":3}}]', 'the key "k" is there twice'],
  ['__proto__', '{"__proto__":{"polluted":true}}', 'the key "__proto__" is not allowed'],
  ['__proto__, escaped', '{"\\u005f_proto__":{"polluted":true}}', 'is not allowed'],
  ['__proto__, a space before the colon', '{"__proto__" \n: 1}', 'is not allowed'],
  [
    'constructor.prototype',
    '{"constructor":{"prototype":{"polluted":true}}}',
    '"constructor" is not allowed',
  ],
  ['prototype', '[{"prototype":1}]', '"prototype" is not allowed'],
  ['a byte-order mark', '\ufeff{}', 'byte-order mark'],
  ['two documents', '{} {}', 'not valid JSON'],
  ['junk behind', '{"a":1}x', 'not valid JSON'],
  ['NUL behind', '{"a":1}\u0000', 'not valid JSON'],
  ['a comment', '{"a":1 /* b */}', 'not valid JSON'],
  ['a trailing comma', '{"a":1,}', 'not valid JSON'],
  ['single quotes', "{'a':1}", 'not valid JSON'],
  ['a raw control character', '{"a":"\u0001"}', 'not valid JSON'],
  ['torn', '{"a":"b', 'not valid JSON'],
])('refuses %s', ([, text, reason]) => {
  expect(reasonOf(String(text))).toContain(reason);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test('refuses each beginning of a document but the whole', () => {
  const text = '{"id":"a:1","changes":{"cache":1.5e2,"mode":"fa\\"st"},"list":[true,null,-0.5]}';
  for (let length = 0; length < text.length; length++)
    expect(parseStrictJson(text.slice(0, length)).ok, `the first ${length} bytes`).toBe(false);
  expect(parseStrictJson(text).ok).toBe(true);
});

test('limits depth and number of keys, and takes what is just within', () => {
  const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  expect(reasonOf(deep(32))).toBe('accepted');
  expect(reasonOf(deep(33))).toContain('32 levels');
  expect(reasonOf(deep(100_000))).toContain('32 levels');
  expect(reasonOf(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)).toContain('32 levels');
  expect(reasonOf('['.repeat(100_000))).toContain('not valid JSON');
  const wide = (keys: number) => `[{${Array.from({ length: keys }, (_, n) => `"k${n}":0`).join()}}]`;
  expect(reasonOf(wide(1000))).toBe('accepted');
  expect(reasonOf(wide(1001))).toContain('1000 keys');
  expect(reasonOf('{"a":[1]}', { maxDepth: 1 })).toContain('1 levels');
  expect(reasonOf('{"a":1,"b":2}', { maxKeys: 1 })).toContain('1 keys');
});

test('text that looks like structure inside a string is text', () => {
  const value = { a: '{"a":1,"a":2}', '"a': '[[[[', 'b\\': '__proto__', c: '": {' };
  expect(parseStrictJson(JSON.stringify(value), { maxDepth: 1 })).toEqual({ ok: true, value });
});

test('objects have no prototype, so that toString or hasOwnProperty are keys like any other', () => {
  const result = parseStrictJson('{"toString":1,"inner":[{"hasOwnProperty":2}]}');
  if (!result.ok) throw new Error(result.reason);
  const value = result.value as { inner: object[] };
  expect(Object.getPrototypeOf(value)).toBeNull();
  expect(Object.getPrototypeOf(value.inner[0])).toBeNull();
  expect('valueOf' in value).toBe(false);
});

const LIMITS = { maxDepth: 12, maxKeys: 200 };

function depthOf(value: unknown): number {
  if (value === null || typeof value !== 'object') return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

function keysOf(value: unknown): string[] {
  if (value === null || typeof value !== 'object') return [];
  const own = Array.isArray(value) ? [] : Object.keys(value);
  return [...own, ...Object.values(value).flatMap(keysOf)];
}

test('whatever JSON.parse reads is read to an equal value when it is within the limits, and refused when not', () => {
  // fast-check prints the seed and the path of a failure.
  const spaces = fc.constantFrom(undefined, 1, '\t', '\n');
  const documents = fc.tuple(fc.jsonValue({ maxDepth: 14 }), spaces);
  fc.assert(
    fc.property(documents, ([document, space]) => {
      const text = JSON.stringify(document, null, space);
      const expected: unknown = JSON.parse(text);
      const keys = keysOf(expected);
      const within =
        depthOf(expected) <= LIMITS.maxDepth &&
        keys.length <= LIMITS.maxKeys &&
        !keys.some((key) => ['__proto__', 'constructor', 'prototype'].includes(key));
      const result = parseStrictJson(text, LIMITS);
      expect(result.ok).toBe(within);
      if (result.ok) expect(result.value).toEqual(expected);
    }),
    { numRuns: 2000 },
  );
});

test('never throws, and never accepts what JSON.parse refuses', () => {
  const json = fc.json({ maxDepth: 4 });
  const mutated = fc
    .tuple(json, fc.nat(), fc.constantFrom('"', '\\', '{', '}', ',', '\u0000', '9', ''))
    .map(
      ([text, at, put]) =>
        text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + 1),
    );
  fc.assert(
    fc.property(fc.oneof(mutated, fc.string()), (text) => {
      const { ok } = parseStrictJson(text);
      if (ok) expect(() => JSON.parse(text)).not.toThrow();
    }),
    { numRuns: 3000 },
  );
});
