/**
 * S7: the first system's validation compared with < and >, so that NaN passed every bound, a boolean passed as a
 * number, and a parameter without bounds of its own, that is any unknown one, passed unbounded. The rule: fail closed.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkPromotion } from '../../src/promotion/check.ts';
import { listPromotions } from '../../src/promotion/records.ts';
import { scanPromotions } from '../../src/promotion/scan.ts';
import { ackOf, defaults, drop, v1 } from '../promotion/promotions.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
});
afterEach(() => ctx.cleanup());

/** As text: what Python's json wrote and read. */
const withCache = (value: string, name = 'cache') =>
  JSON.stringify(v1('p', { cache: 0 })).replace('"cache":0', `"${name}":${value}`);

for (const [what, text, says] of [
  ['NaN', withCache('NaN'), /not valid JSON/],
  ['Infinity', withCache('Infinity'), /not valid JSON/],
  ['-Infinity', withCache('-Infinity'), /not valid JSON/],
  ['1e999', withCache('1e999'), /range/],
  ['true', withCache('true'), /cache/],
  ['"64"', withCache('"64"'), /cache/],
  ['null', withCache('null'), /cache/],
  ['0x40', withCache('0x40'), /not valid JSON/],
  ['-0', withCache('-0'), /cache: 0 is below its minimum/],
  ['2^53 + 1', withCache('9007199254740993'), /cache takes a whole number/],
  ['an unknown name', withCache('1', 'max_tokens'), /no parameter "max_tokens"/],
  ['a look-alike name', withCache('64', 'c\u0430che'), /no parameter/],
] as const)
  test(`${what} does not pass the bounds`, async () => {
    drop(ctx, 'p.json', text);
    expect(await scanPromotions(ctx, defaults(ctx))).toMatchObject({ received: 0, rejected: 1 });
    expect(ackOf(ctx, 'p.json')?.rejection_reason).toMatch(says);
    expect(await listPromotions(ctx.db, { states: ['received', 'screened'] })).toEqual([]);
  });

test('values that no JSON can hold do not pass either, however they got there', () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, undefined, 8n, new Date(8)]) {
    const document = {
      schema: 'v2',
      id: 'p',
      experiment: 'demo',
      baselineVersion: null,
      goodUntil: null,
    } as const;
    const changes = { cache: value };
    expect(checkPromotion(ctx.config, defaults(ctx), { ...document, changes })).toMatchObject({ ok: false });
  }
});
