import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { contentName } from '../../src/baseline/manifest.ts';
import { readBaseline } from '../../src/baseline/read.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { commitOnly, commitWhole } from '../support/baseline.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
  await commitWhole(ctx, { cache: 16 });
  await commitWhole(ctx, { cache: 32 });
});
afterEach(() => ctx.cleanup());

const first = () => readFileSync(join(ctx.paths.baselineVersions, contentName(1)), 'utf8');

test.each([
  ['torn', () => writeFileSync(ctx.paths.baselineManifest, '{"version":')],
  ['empty', () => writeFileSync(ctx.paths.baselineManifest, '')],
  ['gone', () => unlinkSync(ctx.paths.baselineManifest)],
])(
  'S4: with a manifest that is %s the next commit is version 3, and version 1 stays as it was',
  async (_what, damage) => {
    const before = first();
    damage();
    expect(await commitWhole(ctx, { cache: 64 })).toMatchObject({ version: 3 });
    expect(first()).toBe(before);
    expect(await readBaseline(ctx.paths.baseline)).toMatchObject({ version: 3 });
  },
);

test('S4: with a database that was lost nothing is committed over the versions on disk', async () => {
  const before = first();
  const db = await openSqlite(':memory:');
  const lost = { ...ctx, db };
  await expect(commitOnly(lost, { cache: 64 })).rejects.toMatchObject({ code: 'KLR_E_BASELINE_DAMAGED' });
  expect(first()).toBe(before);
  expect(await db.all('SELECT * FROM baselines')).toEqual([]);
  await db.close();
});
