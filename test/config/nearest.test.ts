import fc from 'fast-check';
import { expect, test } from 'vitest';
import { didYouMean, nearestName } from '../../src/config/nearest.ts';

const KNOWN = ['constraints', 'forbidden', 'evaluator', 'limits', 'objectives', 'low', 'log'];

test.each<[string, string | null]>([
  ['constriants', 'constraints'],
  ['evalutor', 'evaluator'],
  ['Objectives', 'objectives'],
  ['limit', 'limits'],
  ['lgo', 'log'],
  ['frobnicate', null],
  ['x', null],
  ['', null],
])('%s is taken for %s', (name, meant) => {
  expect(nearestName(name, KNOWN)).toBe(meant);
});

test('one swap, one letter more or one letter less is always recognised', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...KNOWN.slice(0, 5)),
      fc.nat(),
      fc.constantFrom(0, 1, 2),
      (name, pick, kind) => {
        const at = pick % (name.length - 1);
        const [a, b] = [name.slice(0, at), name.slice(at + 1)];
        const wrong = [a + b, `${a}x${name[at]}${b}`, a + name[at + 1] + name[at] + name.slice(at + 2)][kind];
        expect(didYouMean(wrong ?? '', KNOWN)).toBe(` (did you mean "${name}"?)`);
      },
    ),
  );
});

test('a name of any length costs little', () => {
  expect(nearestName('x'.repeat(1_000_000), KNOWN)).toBeNull();
});
