import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { verifyChain } from '../../src/baseline/chain.ts';
import { versionOfName } from '../../src/baseline/manifest.ts';
import { listPins, pinVersion, unpinVersion } from '../../src/baseline/pins.ts';
import { isKept, pruneBaselines } from '../../src/baseline/retention.ts';
import { rollback } from '../../src/baseline/rollback.ts';
import { startWatch } from '../../src/baseline/watch.ts';
import { deliverOutbox } from '../../src/store/outbox.ts';
import { commitWhole, underBaselineLock } from '../support/baseline.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
afterEach(() => ctx.cleanup());

async function versions(count: number, keep: number): Promise<void> {
  ctx = await testContext({ config: { retention: { baselines: keep } } });
  for (let cache = 1; cache <= count; cache++) await commitWhole(ctx, { cache: cache + 8 });
}
const onDisk = () => [...new Set(readdirSync(ctx.paths.baselineVersions).map((name) => versionOfName(name)))];

async function escrow(version: number, state: string): Promise<void> {
  await ctx.db.run(
    `INSERT INTO escrow (id, promotion_id, content_sha256, base_version, state, reasons, document, requested_at, expires_at)
     VALUES (?, ?, '', ?, ?, '[]', '{}', 0, 0)`,
    `e${version}`,
    `p-e${version}`,
    version,
    state,
  );
}

test('the newest versions stay, older ones go, and the chain still verifies', async () => {
  await versions(6, 3);
  expect(await pruneBaselines(ctx)).toEqual([1, 2, 3]);
  expect(onDisk()).toEqual([4, 5, 6]);
  expect(await pruneBaselines(ctx)).toEqual([]);
  expect(await verifyChain(ctx)).toMatchObject({ ok: true, versions: 6 });
});

test('pinned, watched with what it goes back to, approved and waiting versions stay, others not', async () => {
  await versions(12, 2);
  await pinVersion(ctx, 1, { note: 'golden', actor: 'test' });
  await escrow(3, 'waiting');
  await escrow(4, 'approved');
  await escrow(5, 'used');
  await ctx.db.transaction((tx) => startWatch(tx, ctx, { version: 8 }, 'demo'));
  expect(await pruneBaselines(ctx)).toEqual([2, 5, 6, 9, 10]);
  expect(onDisk()).toEqual([1, 3, 4, 7, 8, 11, 12]);
  await unpinVersion(ctx, 1, 'test');
  expect(await pruneBaselines(ctx)).toEqual([1]);
});

test('a version whose files are gone can still be restored', async () => {
  await versions(5, 2);
  await pruneBaselines(ctx);
  const back = await underBaselineLock(ctx, (lock) =>
    rollback(ctx, lock, { to: 1, actor: 'test', reason: 'test' }),
  );
  await deliverOutbox(ctx);
  expect(back.params['demo']).toMatchObject({ cache: 9 });
  expect(await verifyChain(ctx)).toMatchObject({ ok: true, versions: 6 });
});

test('a version that is pinned after its files went has them again', async () => {
  await versions(4, 2);
  await pruneBaselines(ctx);
  await pinVersion(ctx, 1, { note: '', actor: 'test' });
  await deliverOutbox(ctx);
  expect(onDisk()).toEqual([1, 3, 4]);
  expect(await verifyChain(ctx)).toMatchObject({ ok: true });
});

test('only versions that exist are pinned, and only pins are taken away', async () => {
  await versions(1, 2);
  await expect(pinVersion(ctx, 2, { note: '', actor: 'test' })).rejects.toMatchObject({
    code: 'KLR_E_NOT_FOUND',
  });
  await expect(unpinVersion(ctx, 1, 'test')).rejects.toMatchObject({ code: 'KLR_E_NOT_FOUND' });
  await pinVersion(ctx, 1, { note: 'a', actor: 'test' });
  await pinVersion(ctx, 1, { note: 'b', actor: 'test' });
  expect(await listPins(ctx.db)).toMatchObject([{ version: 1, note: 'b' }]);
});

test('whatever is pinned, watched or waiting: the version in force, the one before and what is needed are kept, nothing older without need', async () => {
  await versions(0, 2);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 0, max: 20 }),
      fc.uniqueArray(fc.integer({ min: 0, max: 60 })),
      (current, newest, needed) => {
        const kept = { current, newest, needed: new Set(needed) };
        for (let version = 1; version <= current; version++) {
          const recent = version > current - newest || version >= current - 1;
          expect(isKept(version, kept)).toBe(recent || needed.includes(version));
        }
      },
    ),
  );
});
