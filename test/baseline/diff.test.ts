import { expect, test } from 'vitest';
import { diffBaselines } from '../../src/baseline/diff.ts';

test('what differs is told by experiment and parameter, with null where there is no value', () => {
  const before = { params: { b: { x: 1, y: 'a', level: 3 }, a: { z: true } } };
  const after = { params: { b: { x: 2, y: 'a' }, c: { w: 0 } } };
  expect(diffBaselines(before, after)).toEqual([
    { experiment: 'a', parameter: 'z', from: true, to: null },
    { experiment: 'b', parameter: 'level', from: 3, to: null },
    { experiment: 'b', parameter: 'x', from: 1, to: 2 },
    { experiment: 'c', parameter: 'w', from: null, to: 0 },
  ]);
});

test('there and back is the same with the sides exchanged', () => {
  const [a, b] = [{ params: { e: { x: 1 } } }, { params: { e: { x: 2, y: false } } }];
  const back = diffBaselines(b, a).map(({ from, to, ...rest }) => ({ ...rest, from: to, to: from }));
  expect(back).toEqual(diffBaselines(a, b));
  expect(diffBaselines(a, a)).toEqual([]);
});
