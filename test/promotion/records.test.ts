import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { settle, settleIfOpen } from '../../src/promotion/ack.ts';
import {
  addWinners,
  countInconclusive,
  countUnacked,
  getPromotion,
  listPromotions,
  markScreened,
  moveState,
} from '../../src/promotion/records.ts';
import { scanPromotions } from '../../src/promotion/scan.ts';
import type { Winner } from '../../src/promotion/types.ts';
import { sha256Hex } from '../../src/store/json.ts';
import { readEvents } from '../../src/store/ledger.ts';
import { deliverOutbox } from '../../src/store/outbox.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { ackOf, defaults, drop, v1 } from './promotions.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
});
afterEach(() => ctx.cleanup());

const winner: Winner = {
  changes: { cache: 512, mode: 'fast' },
  gain: 0.42,
  fitness: 0.37,
  objectives: { throughput: 1000 },
  trials: 12,
  screening: { pairs: 6 },
};
const request = {
  experiment: 'demo',
  cycleId: 'dream-1',
  baselineVersion: 0,
  seed: 7,
  winners: [winner, winner],
};

test('winners become screened promotions whose files are owed, and a scan takes them for nothing new', async () => {
  const ids = await ctx.db.transaction((tx) => addWinners(tx, ctx, request));
  expect(ids).toEqual(['dream-1-w1', 'dream-1-w2']);
  await deliverOutbox(ctx);
  expect(await scanPromotions(ctx, defaults(ctx))).toMatchObject({ received: 0, rejected: 0 });
  const bytes = readFileSync(join(ctx.paths.promotions, 'dream-1-w1.json'));
  expect(JSON.parse(bytes.toString())).toEqual({
    schema: 'v2',
    id: 'dream-1-w1',
    timestamp: ctx.clock.now() / 1000,
    experiment: 'demo',
    fitness: 0.37,
    changes: winner.changes,
    objectives: winner.objectives,
    baseline_version: 0,
    trials: 12,
    seed: 7,
    run_tag: 'dream-1',
  });
  expect(await getPromotion(ctx.db, 'dream-1-w1')).toMatchObject({
    source: 'dream',
    state: 'screened',
    searchScore: 0.42,
    sha256: sha256Hex(bytes),
  });
});

test('a file of D-REAM is a sound promotion in another home', async () => {
  await ctx.db.transaction((tx) => addWinners(tx, ctx, request));
  await deliverOutbox(ctx);
  const other = await testContext();
  drop(other, 'copied.json', readFileSync(join(ctx.paths.promotions, 'dream-1-w1.json'), 'utf8'));
  expect(await scanPromotions(other, defaults(other))).toMatchObject({ received: 1, rejected: 0 });
  expect(await getPromotion(other.db, 'dream-1-w1')).toMatchObject({ source: 'external', state: 'received' });
  await other.cleanup();
});

test('an id that someone took before does not stop a winner', async () => {
  drop(ctx, 'x.json', v1('dream-1-w1'));
  await scanPromotions(ctx, defaults(ctx));
  expect(await ctx.db.transaction((tx) => addWinners(tx, ctx, request))).toEqual([
    'dream-1-w1-2',
    'dream-1-w2',
  ]);
});

test('states follow one another as drawn, and no other way', async () => {
  drop(ctx, 'a.json', v1('a'));
  await scanPromotions(ctx, defaults(ctx));
  const reason = 'because';
  const move = (to: 'screened' | 'accepted' | 'escrowed' | 'approved') =>
    ctx.db.transaction((tx) => moveState(tx, ctx, 'a', to, { reason }));
  await expect(move('accepted')).rejects.toMatchObject({ code: 'KLR_E_PROMOTION_STATE' });
  await ctx.db.transaction((tx) => markScreened(tx, ctx, 'a', { gain: 0.1, screening: { pairs: 3 } }));
  await expect(move('escrowed')).rejects.toMatchObject({ code: 'KLR_E_PROMOTION_STATE' });
  await ctx.db.transaction((tx) => moveState(tx, ctx, 'a', 'accepted', { reason, validatedGain: 0.08 }));
  await move('escrowed');
  await move('approved');
  await expect(move('accepted')).rejects.toMatchObject({ code: 'KLR_E_PROMOTION_STATE' });
  await move('screened');
  expect(await getPromotion(ctx.db, 'a')).toMatchObject({
    state: 'screened',
    searchScore: 0.1,
    validatedGain: 0.08,
    detail: { screening: { pairs: 3 }, reason },
  });
  const kinds = (await readEvents(ctx.db, { subject: 'a' })).map((e) => e.kind.replace('promotion.', ''));
  expect(kinds).toEqual(['received', 'screened', 'accepted', 'escrowed', 'approved', 'screened']);
});

test('the end of a promotion is its ACK, and stands: nothing moves, counts or ends it again', async () => {
  drop(ctx, 'a.json', v1('a'));
  await scanPromotions(ctx, defaults(ctx));
  expect(await countUnacked(ctx.db)).toBe(1);
  await ctx.db.transaction((tx) =>
    settle(tx, ctx, 'a', 'committed', { reason: 'v1', epochId: 'epoch-1', phaseSha: 'ab' }),
  );
  await deliverOutbox(ctx);
  expect(ackOf(ctx, 'a.json')).toEqual({
    promotion_id: 'a',
    accepted: true,
    phase_epoch: 'epoch-1',
    phase_sha: 'ab',
    ts: Math.floor(ctx.clock.now() / 1000),
    schema: 'v1',
  });
  expect(await countUnacked(ctx.db)).toBe(0);
  const settled = { code: 'KLR_E_PROMOTION_SETTLED' };
  const inTx = (work: Parameters<typeof ctx.db.transaction>[0]) => ctx.db.transaction(work);
  await expect(inTx((tx) => settle(tx, ctx, 'a', 'rejected', { reason: '' }))).rejects.toMatchObject(settled);
  await expect(inTx((tx) => moveState(tx, ctx, 'a', 'screened', { reason: '' }))).rejects.toMatchObject(
    settled,
  );
  await expect(inTx((tx) => countInconclusive(tx, ctx, 'a', 'e', ''))).rejects.toMatchObject(settled);
  expect(await inTx((tx) => settleIfOpen(tx, ctx, 'a', 'rejected', { reason: '' }))).toBe(false);
  expect((await getPromotion(ctx.db, 'a'))?.state).toBe('committed');
});

test('an epoch that leaves it open is counted, and it stays screened', async () => {
  await ctx.db.transaction((tx) => addWinners(tx, ctx, request));
  const count = () => ctx.db.transaction((tx) => countInconclusive(tx, ctx, 'dream-1-w1', 'e', 'too noisy'));
  expect([await count(), await count()]).toEqual([1, 2]);
  expect(await getPromotion(ctx.db, 'dream-1-w1')).toMatchObject({ state: 'screened', attempts: 2 });
});

test('lists filter by state and experiment, in the order of receipt', async () => {
  for (const id of ['b', 'a', 'c']) {
    drop(ctx, `${id}.json`, v1(id));
    await scanPromotions(ctx, defaults(ctx));
    ctx.clock.advance(1000);
  }
  await ctx.db.transaction((tx) => markScreened(tx, ctx, 'a', { gain: 0.1, screening: {} }));
  const idsOf = async (filter: Parameters<typeof listPromotions>[1]) =>
    (await listPromotions(ctx.db, filter)).map((p) => p.id);
  expect(await idsOf({})).toEqual(['b', 'a', 'c']);
  expect(await idsOf({ newestFirst: true, limit: 2 })).toEqual(['c', 'a']);
  expect(await idsOf({ states: ['received'], experiment: 'demo' })).toEqual(['b', 'c']);
  expect(await idsOf({ states: [] })).toEqual([]);
  expect(await idsOf({ experiment: 'other' })).toEqual([]);
});
