import { appendFileSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { repairFiles, verifyChain } from '../../src/baseline/chain.ts';
import { contentName, manifestName } from '../../src/baseline/manifest.ts';
import { readBaseline } from '../../src/baseline/read.ts';
import { deliverOutbox } from '../../src/store/outbox.ts';
import { commitOnly, commitWhole } from '../support/baseline.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
  for (const cache of [16, 32, 64]) await commitWhole(ctx, { cache });
});
afterEach(() => ctx.cleanup());

const version = (name: string) => join(ctx.paths.baselineVersions, name);

test.each([
  ["UPDATE baselines SET params = REPLACE(params, '32', '33') WHERE version = 2", 2],
  ["UPDATE baselines SET sha256 = 'x' WHERE version = 2", 2],
  ["UPDATE baselines SET actor = 'someone else' WHERE version = 2", 2],
  ["UPDATE baselines SET previous_sha256 = '' WHERE version = 3", 3],
  ['UPDATE baselines SET token = 9 WHERE version = 2', 2],
  ['DELETE FROM baselines WHERE version = 2', 3],
  ['DELETE FROM baselines WHERE version = 3', 3],
  ["DELETE FROM events WHERE subject = '2'", 2],
])('a change of the database is found: %s', async (sql, broken) => {
  await ctx.db.run(sql);
  const result = await verifyChain(ctx);
  expect(result.ok).toBe(false);
  expect(result).toHaveProperty(
    'problems',
    expect.arrayContaining([expect.objectContaining({ version: broken })]),
  );
});

test.each([
  ['a changed version', () => appendFileSync(version(contentName(2)), '# x\n'), 2],
  ['a missing manifest of a version', () => unlinkSync(version(manifestName(2))), 2],
  ['a changed baseline.yaml', () => writeFileSync(ctx.paths.baselineFile, ''), 3],
  ['a missing manifest.json', () => unlinkSync(ctx.paths.baselineManifest), 3],
  [
    'a manifest.json of another version',
    () => writeFileSync(ctx.paths.baselineManifest, readFileSync(version(manifestName(2)))),
    3,
  ],
  ['a folder that is gone', () => rmSync(ctx.paths.baselineVersions, { recursive: true }), 2],
] as const)('%s is found, and mended from the database', async (_what, damage, broken) => {
  damage();
  const result = await verifyChain(ctx);
  expect(result).toMatchObject({ ok: false });
  expect(result).toHaveProperty(
    'problems',
    expect.arrayContaining([
      expect.objectContaining({ version: broken, file: expect.stringContaining('baseline/') }),
    ]),
  );
  ctx.fs.mkdirSync(ctx.paths.baselineVersions, { recursive: true, mode: 0o700 });
  expect((await repairFiles(ctx)).length).toBeGreaterThan(0);
  await deliverOutbox(ctx);
  expect(await verifyChain(ctx)).toMatchObject({ ok: true, versions: 3 });
  expect(await readBaseline(ctx.paths.baseline)).toMatchObject({ version: 3 });
});

test('a file that is still owed is not missed', async () => {
  await commitOnly(ctx, { cache: 128 });
  expect(await verifyChain(ctx)).toMatchObject({ ok: true, versions: 4 });
});

test('files are not written out from a database that does not verify', async () => {
  unlinkSync(ctx.paths.baselineManifest);
  await ctx.db.run("UPDATE baselines SET actor = 'someone else' WHERE version = 2");
  expect(await repairFiles(ctx)).toEqual([]);
});
