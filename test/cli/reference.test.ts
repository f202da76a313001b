import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { referencePages } from '../../scripts/reference/pages.ts';
import { CATALOGUE } from '../../src/errors.ts';

test.each(await referencePages())('$path is what scripts/write-reference.ts writes', ({ path, text }) => {
  expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toBe(text);
});

test('docs/reference/errors.md has every code of the catalogue, and no other', () => {
  const page = readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8');
  const codes = [...page.matchAll(/^\| `(KLR_E_[A-Z_]+)` \|/gm)].map(([, code]) => code);
  expect(codes).toEqual(Object.keys(CATALOGUE));
});

test('every code has a hint that is a sentence, and an exit code other than 0', () => {
  for (const [code, { exit, hint }] of Object.entries(CATALOGUE)) {
    expect(exit, code).toBeGreaterThan(0);
    expect(hint, code).toMatch(/^[A-Z`].*[.:)]$/);
  }
});
