import { join, normalize, sep } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSafeFileName, isSafeId } from '../../src/files/safe-id.ts';

test.for(['a', '7', 'demo:1730000000', 'cpu_governor-2026.11.24', 'A'.repeat(128)])(
  'takes %s as an id',
  (id) => {
    expect(isSafeId(id)).toBe(true);
    expect(isSafeFileName(`${id}.json`)).toBe(true);
  },
);

test.for([
  '',
  '.',
  '..',
  '../a',
  'a/../b',
  'a..b',
  '..%2fa',
  '/etc/passwd',
  'a/b',
  'a\\b',
  '.hidden',
  '-flag',
  'a\u0000b',
  'a\nb',
  'a\n',
  'a ',
  ' a',
  'a.',
  'a\u202eb',
  'caf\u00e9',
  'cafe\u0301',
  '\u0430dmin',
  'a'.repeat(300),
  'a;b',
  '$(a)',
  'a*',
])('refuses %j as an id and as a file name', (id) => {
  expect(isSafeId(id)).toBe(false);
  expect(isSafeFileName(id)).toBe(false);
});

test('only text is an id', () => {
  for (const value of [null, undefined, 1, {}, ['a'], { toString: () => 'a' }])
    expect(isSafeId(value)).toBe(false);
});

test('whatever is accepted stays inside the folder it is put in, with room for a suffix in the name', () => {
  const pieces = fc.constantFrom(
    'a',
    'B',
    '0',
    '.',
    '..',
    '_',
    '-',
    ':',
    '/',
    '\\',
    '%2e',
    ' ',
    '\u0000',
    '\u2024',
  );
  const names = fc.oneof(
    fc.array(pieces, { maxLength: 140 }).map((parts) => parts.join('')),
    fc.string(),
  );
  fc.assert(
    fc.property(names, (name) => {
      if (!isSafeId(name) && !isSafeFileName(name)) return;
      const path = join('/home', name);
      expect(normalize(path)).toBe(`/home${sep}${name}`);
      expect(path.split(sep)).toHaveLength(3);
      expect(Buffer.byteLength(`${name}_ack.json`)).toBeLessThanOrEqual(255);
    }),
    { numRuns: 10_000 },
  );
});
