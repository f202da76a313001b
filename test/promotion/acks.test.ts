import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { getPromotion, listPromotions } from '../../src/promotion/records.ts';
import { scanPromotions } from '../../src/promotion/scan.ts';
import { readEvents } from '../../src/store/ledger.ts';
import { deliverOutbox } from '../../src/store/outbox.ts';
import { BAD_FILES, isRoot } from '../support/bad-files.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { countingFileSystem } from '../support/counting-fs.ts';
import { ackNames, ackOf, defaults, drop, v1 } from './promotions.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
});
afterEach(() => ctx.cleanup());

async function scan() {
  const result = await scanPromotions(ctx, defaults(ctx));
  await deliverOutbox(ctx);
  return result;
}
const dropAck = (file: string, ack: object) =>
  writeFileSync(join(ctx.paths.promotionAcks, file), JSON.stringify(ack));

for (const [status, end] of [
  ['applied', 'superseded'],
  ['blocked', 'rejected'],
  ['failed', 'rejected'],
])
  test(`an older ACK with the status ${status} answers the promotion whose id it holds`, async () => {
    drop(ctx, 'spica.promotion.json', v1('spica:1761600000'));
    dropAck('spica_1761600000.ack.json', {
      promotion_id: 'spica:1761600000',
      applied_at: 1,
      status,
      changes: {},
    });
    expect(await scan()).toMatchObject({ received: 0, rejected: 0, answered: 1 });
    expect(await getPromotion(ctx.db, 'spica:1761600000')).toMatchObject({ state: end });
    expect(ackNames(ctx)).toEqual(['spica_1761600000.ack.json']);
  });

test('an older ACK is matched by the id inside, not by its name', async () => {
  drop(ctx, 'a.json', v1('spica:1'));
  dropAck('spica_1.ack.json', { promotion_id: 'spica:2', applied_at: 1, status: 'applied' });
  expect(await scan()).toMatchObject({ received: 1, answered: 0 });
});

test('the first system’s own ACK, named by the stem and with the stem as id, answers the file', async () => {
  drop(ctx, 'winner.json', v1('demo:77'));
  const ack = {
    promotion_id: 'winner',
    accepted: false,
    phase_epoch: 'e',
    phase_sha: 's',
    ts: 1,
    schema: 'v1',
  };
  dropAck('winner_ack.json', { ...ack, rejection_reason: 'too slow' });
  expect(await scan()).toMatchObject({ answered: 1 });
  const promotion = await getPromotion(ctx.db, 'demo:77');
  expect(promotion?.state).toBe('rejected');
  expect(promotion?.detail.reason).toMatch(/winner_ack\.json: too slow/);
  expect(ackOf(ctx, 'winner.json')).toMatchObject(ack);
});

test('an ACK that arrives later answers a promotion that waits, and none that has its answer', async () => {
  drop(ctx, 'a.json', v1('a'));
  drop(ctx, 'bad.json', v1('bad', { cache: 0 }));
  await scan();
  dropAck('by-hand.json', { promotion_id: 'a', accepted: true });
  dropAck('late.json', { promotion_id: 'bad', accepted: true });
  await scan();
  expect(await getPromotion(ctx.db, 'a')).toMatchObject({ state: 'superseded' });
  expect(await getPromotion(ctx.db, 'bad')).toMatchObject({ state: 'rejected' });
  expect(ackOf(ctx, 'a.json')).toBeNull();
});

test('an ACK of someone else never ends a promotion that an epoch is measuring', async () => {
  drop(ctx, 'a.json', v1('a'));
  await scan();
  await ctx.db.run("UPDATE promotions SET state = 'screened'");
  await ctx.db.run(
    `INSERT INTO epochs (id, date, zone, forced, state, plan, seed, baseline_version, started_at)
     VALUES ('e', '2026-06-15', 'UTC', 0, 'paused', '{}', 1, 0, 0)`,
  );
  dropAck('a_ack.json', { promotion_id: 'a', accepted: true });
  await scan();
  expect(await getPromotion(ctx.db, 'a')).toMatchObject({ state: 'screened' });
});

test('an ACK that is unreadable or no ACK is told of once and answers nothing', async () => {
  const makeable = BAD_FILES.filter((bad) => !bad.root || isRoot);
  const sound = JSON.stringify({ promotion_id: 'a', accepted: true });
  for (const [n, bad] of makeable.entries()) {
    const elsewhere = join(dirname(ctx.paths.root), `elsewhere-${n}`);
    mkdirSync(elsewhere);
    bad.make(join(ctx.paths.promotionAcks, `bad-${n}_ack.json`), sound, elsewhere);
    drop(ctx, `bad-${n}.json`, v1(`bad-${n}`));
  }
  dropAck('shape_ack.json', { promotion_id: 'shape', accepted: 'yes' });
  drop(ctx, 'shape.json', v1('shape'));
  expect(await scan()).toMatchObject({ received: makeable.length + 1, answered: 0 });
  expect(await scan()).toMatchObject({ received: 0, answered: 0 });
  const told = await readEvents(ctx.db, { kind: 'ack.unreadable' });
  expect(told).toHaveLength(makeable.length + 1);
  for (const [n, bad] of makeable.entries()) {
    const event = told.find((e) => e.subject === `bad-${n}_ack.json`);
    if (bad.kind !== 'a list' && bad.kind !== 'null') expect(event?.data.reason, bad.kind).toMatch(bad.says);
  }
});

test('the ACK that is owed takes the place of whatever stood under its name', async () => {
  const acks = ctx.paths.promotionAcks;
  for (const bad of BAD_FILES.filter((b) => ['a folder', 'a symbolic link', 'a FIFO'].includes(b.kind))) {
    const stem = bad.kind.replaceAll(' ', '-');
    const elsewhere = join(ctx.configDir, stem);
    mkdirSync(elsewhere);
    bad.make(join(acks, `${stem}_ack.json`), '{}', elsewhere);
    drop(ctx, `${stem}.json`, v1(stem, { cache: 0 }));
  }
  expect(await scan()).toMatchObject({ rejected: 3 });
  for (const stem of ['a-folder', 'a-symbolic-link', 'a-FIFO'])
    expect(ackOf(ctx, `${stem}.json`)).toMatchObject({ promotion_id: stem, accepted: false });
});

test('10,000 acknowledged promotions are read once, and cost no call each afterwards', async () => {
  const count = 10_000;
  for (let n = 0; n < count; n++) {
    drop(ctx, `p${n}.json`, v1(`p:${n}`));
    dropAck(`p_${n}.ack.json`, { promotion_id: `p:${n}`, applied_at: 1, status: 'applied' });
  }
  const counting = countingFileSystem(ctx.fs);
  const counted = { ...ctx, fs: counting.fs };
  expect(await scanPromotions(counted, defaults(ctx))).toMatchObject({
    answered: count,
    received: 0,
    left: 0,
  });
  expect(counting.calls.get('openSync')).toBe(2 * count);

  counting.reset();
  await scanPromotions(counted, defaults(ctx));
  expect(counting.calls.get('openSync') ?? 0).toBe(0);
  expect(counting.total()).toBeLessThanOrEqual(4);

  counting.reset();
  drop(ctx, 'new.json', v1('new'));
  expect(await scanPromotions(counted, defaults(ctx))).toMatchObject({ received: 1, answered: 0 });
  expect(counting.calls.get('openSync')).toBe(1);
  expect(counting.total()).toBeLessThanOrEqual(12);
  expect(await listPromotions(ctx.db, { states: ['received'] })).toHaveLength(1);
});

test('a folder whose date is old and did not move is not even listed', async () => {
  drop(ctx, 'a.json', v1('a'));
  ctx.clock.step(Date.now() + 60_000 - ctx.clock.now());
  const counting = countingFileSystem(ctx.fs);
  await scanPromotions({ ...ctx, fs: counting.fs }, defaults(ctx));
  counting.reset();
  await scanPromotions({ ...ctx, fs: counting.fs }, defaults(ctx));
  expect(Object.fromEntries(counting.calls)).toEqual({ statSync: 2 });
  drop(ctx, 'b.json', v1('b'));
  expect(await scanPromotions({ ...ctx, fs: counting.fs }, defaults(ctx))).toMatchObject({ received: 1 });
});
