import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { contentName } from '../../src/baseline/manifest.ts';
import { pinVersion } from '../../src/baseline/pins.ts';
import { pruneBaselines } from '../../src/baseline/retention.ts';
import { commitWhole } from '../support/baseline.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext({ config: { retention: { baselines: 10 } } });
});
afterEach(() => ctx.cleanup());

test('S6: a known-good pinned version stays, however many come after it', async () => {
  await commitWhole(ctx, { cache: 16 });
  await pinVersion(ctx, 1, { note: 'known good', actor: 'test' });
  for (let cache = 17; cache <= 29; cache++) {
    await commitWhole(ctx, { cache });
    await pruneBaselines(ctx);
  }
  const there = (version: number) => existsSync(join(ctx.paths.baselineVersions, contentName(version)));
  expect([1, 2, 4, 5, 14].map(there)).toEqual([true, false, false, true, true]);
});
