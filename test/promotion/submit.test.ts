import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scanPromotions } from '../../src/promotion/scan.ts';
import { readPromotionFile, submitPromotion } from '../../src/promotion/submit.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { defaults, v1 } from './promotions.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
});
afterEach(() => ctx.cleanup());

test('what is submitted is what the next scan receives', async () => {
  expect(await submitPromotion(ctx, defaults(ctx), v1('demo:1'))).toEqual({
    id: 'demo:1',
    file: 'demo_1.json',
    experiment: 'demo',
  });
  expect(await scanPromotions(ctx, defaults(ctx))).toMatchObject({ received: 1, rejected: 0 });
});

test('what the scan would reject is refused with every problem, and nothing is written', async () => {
  const bad = v1('a', { cache: 0, ratio: 7, nowhere: 1 });
  await expect(submitPromotion(ctx, defaults(ctx), bad)).rejects.toMatchObject({
    code: 'KLR_E_PROMOTION_INVALID',
    exit: 65,
    message: expect.stringMatching(/"nowhere".*cache: 0.*ratio: 7/),
  });
  for (const cache of [Number.NaN, Number.POSITIVE_INFINITY])
    await expect(submitPromotion(ctx, defaults(ctx), v1('a', { cache }))).rejects.toMatchObject({
      code: 'KLR_E_PROMOTION_INVALID',
    });
  expect(readdirSync(ctx.paths.promotions)).toEqual([]);
});

test('an id, or the name of its file, is used once', async () => {
  await submitPromotion(ctx, defaults(ctx), v1('a:1'));
  const duplicate = { code: 'KLR_E_PROMOTION_DUPLICATE' };
  await expect(submitPromotion(ctx, defaults(ctx), v1('a:1', { cache: 99 }))).rejects.toMatchObject(
    duplicate,
  );
  await expect(submitPromotion(ctx, defaults(ctx), v1('a_1'))).rejects.toMatchObject(duplicate);
  await scanPromotions(ctx, defaults(ctx));
  await expect(submitPromotion(ctx, defaults(ctx), v1('a:1'))).rejects.toMatchObject(duplicate);
});

test('a file is read as safely as one in the folder', () => {
  const path = join(ctx.configDir, 'mine.json');
  writeFileSync(path, '{"schema":"v1","schema":"v2"}');
  expect(() => readPromotionFile(ctx, path)).toThrow(/mine\.json: .*there twice/);
  expect(() => readPromotionFile(ctx, join(ctx.configDir, 'none.json'))).toThrow(/it is gone/);
  writeFileSync(path, JSON.stringify(v1('a')));
  expect(readPromotionFile(ctx, path)).toMatchObject({ id: 'a' });
});
