import { afterEach, beforeEach, expect, test } from 'vitest';
import { verifyChain } from '../../src/baseline/chain.ts';
import { contentName } from '../../src/baseline/manifest.ts';
import { readBaseline } from '../../src/baseline/read.ts';
import { rollback } from '../../src/baseline/rollback.ts';
import { deliverOutbox } from '../../src/store/outbox.ts';
import { commitWhole, underBaselineLock } from '../support/baseline.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
});
afterEach(() => ctx.cleanup());

test('S5: a roll-back never lowers the version, and the next commit overwrites no history', async () => {
  const history = [await commitWhole(ctx, { cache: 16 }), await commitWhole(ctx, { cache: 32 })];
  history.push(
    await underBaselineLock(ctx, (lock) => rollback(ctx, lock, { to: 1, actor: 'test', reason: 'S5' })),
  );
  await deliverOutbox(ctx);
  history.push(await commitWhole(ctx, { cache: 64 }));
  expect(history.map(({ version }) => version)).toEqual([1, 2, 3, 4]);
  for (const { version, content } of history)
    expect(ctx.fs.readFileSync(`${ctx.paths.baselineVersions}/${contentName(version)}`, 'utf8')).toBe(
      content,
    );
  expect(await verifyChain(ctx)).toMatchObject({ ok: true, versions: 4 });
});

test('S5: between the files of a roll-back a reader sees the version before it, whole', async () => {
  await commitWhole(ctx, { cache: 16 });
  await commitWhole(ctx, { cache: 32 });
  await underBaselineLock(ctx, (lock) => rollback(ctx, lock, { actor: 'test', reason: 'S5' }));
  const seen: ReturnType<typeof readBaseline>[] = [];
  const fs = new Proxy(ctx.fs, {
    get: (real, name) =>
      name === 'renameSync'
        ? (from: string, to: string) => {
            real.renameSync(from, to);
            // It has read the files when it returns; only their parsing is still under way.
            seen.push(readBaseline(ctx.paths.baseline));
          }
        : Reflect.get(real, name),
  });
  await deliverOutbox({ ...ctx, fs });
  const versions = (await Promise.all(seen)).map((baseline) => baseline?.version);
  expect(versions).toEqual([2, 2, 2, 3]);
  expect(await readBaseline(ctx.paths.baseline)).toMatchObject({
    version: 3,
    params: { demo: { cache: 16 } },
  });
});
