import { afterEach, beforeEach, expect, test } from 'vitest';
import { verifyChain } from '../../src/baseline/chain.ts';
import { currentBaseline, getBaseline } from '../../src/baseline/current.ts';
import { type RollbackRequest, rollback } from '../../src/baseline/rollback.ts';
import type { Baseline } from '../../src/baseline/types.ts';
import type { Context } from '../../src/context.ts';
import { deliverOutbox } from '../../src/store/outbox.ts';
import { commitWhole, underBaselineLock } from '../support/baseline.ts';
import { experimentConfig, parseConfig, type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
});
afterEach(() => ctx.cleanup());

const why = { actor: 'test', reason: 'test' };
async function back(request: Partial<RollbackRequest> = {}, on: Context = ctx): Promise<Baseline> {
  const baseline = await underBaselineLock(on, (lock) => rollback(on, lock, { ...why, ...request }));
  await deliverOutbox(on);
  return baseline;
}
const cache = async () => (await currentBaseline(ctx.db, ctx.config)).params['demo']?.['cache'];

test('a roll-back is a new version with the content of the one before, byte for byte', async () => {
  const first = await commitWhole(ctx, { cache: 16 });
  await commitWhole(ctx, { cache: 32 });
  const third = await back();
  expect(third).toMatchObject({ version: 3, kind: 'rollback', restores: 1, sha256: first.sha256 });
  expect(third.content).toBe(first.content);
  expect(third.manifestSha256).not.toBe(first.manifestSha256);
  expect(await cache()).toBe(16);
  expect(await verifyChain(ctx)).toMatchObject({ ok: true, versions: 3 });
});

test('numbers are never reused: what is committed after a roll-back is a higher version, and the history stays', async () => {
  await commitWhole(ctx, { cache: 16 });
  const second = await commitWhole(ctx, { cache: 32 });
  await back();
  expect((await commitWhole(ctx, { cache: 64 })).version).toBe(4);
  expect((await getBaseline(ctx.db, 2))?.content).toBe(second.content);
});

test('rolling back again goes further back, and never brings back what was taken away', async () => {
  await commitWhole(ctx, { cache: 16 });
  await commitWhole(ctx, { cache: 32 });
  await back();
  await commitWhole(ctx, { cache: 64 });
  expect(await back()).toMatchObject({ restores: 3 });
  expect(await cache()).toBe(16);
  expect(await back()).toMatchObject({ restores: 0 });
  expect(await cache()).toBe(8);
  expect(await back()).toMatchObject({ version: 7, restores: 0 });
  expect(await verifyChain(ctx)).toMatchObject({ ok: true, versions: 7 });
});

test('version 0 brings back what the configuration declares', async () => {
  await commitWhole(ctx, { cache: 16, mode: 'fast' });
  const zero = await back({ to: 0 });
  expect(zero.params['demo']).toEqual({ cache: 8, ratio: 0.5, mode: 'slow', compress: false });
  expect(zero).toMatchObject({ version: 2, restores: 0 });
});

test.each([-1, 0.5, 2, 3, Number.NaN])('there is no roll-back to version %s', async (to) => {
  await commitWhole(ctx, { cache: 16 });
  await commitWhole(ctx, { cache: 32 });
  await expect(back({ to })).rejects.toMatchObject({ code: 'KLR_E_NOT_FOUND' });
  expect((await currentBaseline(ctx.db, ctx.config)).version).toBe(2);
});

test('with nothing committed there is nothing to roll back', async () => {
  await expect(back()).rejects.toMatchObject({ code: 'KLR_E_NOT_FOUND' });
});

test('a content that the bounds of today forbid is not brought back', async () => {
  await commitWhole(ctx, { cache: 512 });
  await commitWhole(ctx, { cache: 16 });
  const cacheNow = { type: 'int', low: 1, high: 64, default: 8 } as const;
  const parameters = { ...experimentConfig().parameters, cache: cacheNow };
  const config = parseConfig({ experiments: { demo: experimentConfig({ parameters }) } });
  const strict = { ...ctx, config };
  await expect(back({ to: 1 }, strict)).rejects.toMatchObject({ code: 'KLR_E_BASELINE_REFUSED' });
  expect(await back({ to: 0 }, strict)).toMatchObject({ version: 3 });
});

test('a stored content that was tampered with is not brought back', async () => {
  await commitWhole(ctx, { cache: 16 });
  await commitWhole(ctx, { cache: 32 });
  await ctx.db.run("UPDATE baselines SET content = REPLACE(content, '16', '17') WHERE version = 1");
  await expect(back()).rejects.toMatchObject({ code: 'KLR_E_BASELINE_DAMAGED' });
  expect(await verifyChain(ctx)).toMatchObject({ ok: false, problems: [{ version: 1 }, { version: 1 }] });
});
