import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  finishIntent,
  getIntent,
  listIntents,
  putBackIntent,
  retryIntent,
  startIntent,
} from '../../src/intent/queue.ts';
import { scanIntents } from '../../src/intent/scan.ts';
import { submitIntent } from '../../src/intent/submit.ts';
import type { Intent } from '../../src/intent/types.ts';
import { deliverOutbox } from '../../src/store/outbox.ts';
import { type ConfigInput, type TestContext, testContext } from '../support/context.ts';
import { countingFileSystem } from '../support/counting-fs.ts';
import { Crash, crashingFileSystem } from '../support/failing-fs.ts';
import { archived, drop, intent } from './intents.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
});
afterEach(() => ctx.cleanup());

async function reconfigure(config: Partial<ConfigInput>): Promise<void> {
  await ctx.cleanup();
  ctx = await testContext({ config });
}

const HOUR = 3_600_000;
const ago = (ms: number) => (ctx.clock.now() - ms) / 1000;
const waiting = () => listIntents(ctx.db, { states: ['waiting'] });
const rollbackTo = (to: number, fields: Record<string, unknown> = {}) =>
  intent('rollback', { data: { to }, ...fields });

async function only(): Promise<Intent> {
  const [first] = await waiting();
  if (first === undefined) throw new Error('nothing waits');
  return first;
}
const finish = (one: Intent, reason = 'as asked') =>
  ctx.db.transaction((tx) => finishIntent(tx, ctx, one, 'done', reason)).then(() => deliverOutbox(ctx));

test('intents are handled by priority, then by age', async () => {
  const at = [ago(10), ago(30), ago(20), ago(5)];
  for (const [n, priority] of [5, 5, 9, 1].entries())
    drop(ctx, `${n}.json`, rollbackTo(n, { priority, generated_at: at[n] }));
  await scanIntents(ctx);
  expect((await waiting()).map((i) => i.file)).toEqual(['2.json', '1.json', '0.json', '3.json']);
});

test('one that is handled is archived under its outcome, with the reason and what was asked', async () => {
  drop(ctx, 'a.json', rollbackTo(1, { emitted_by: 'ana' }));
  await scanIntents(ctx);
  const one = await only();
  await finish(one, 'v2 takes v1 back');
  expect(archived(ctx, 'done')).toMatchObject([
    {
      file: 'a.json',
      outcome: 'done',
      reason: 'v2 takes v1 back',
      type: 'rollback',
      emitted_by: 'ana',
      intent: rollbackTo(1, { emitted_by: 'ana' }),
    },
  ]);
  expect(await waiting()).toEqual([]);
  await finish(one, 'again');
  expect(archived(ctx, 'done')).toHaveLength(1);
});

test('the first system’s file is understood: its type, its seconds, its checksum', async () => {
  const fields = {
    intent_type: 'trigger_phase_promotion_cluster',
    priority: 7,
    reason: '3 promotions in 5 min',
    data: { promotion_count: 3, promotion_files: ['a.json'] },
    generated_at: ago(60_000),
    emitted_at: ago(59_000),
    emitted_by: 'observer',
  };
  const sha256 = createHash('sha256')
    .update(JSON.stringify(fields, null, 2))
    .digest('hex');
  drop(ctx, 'good.json', JSON.stringify({ ...fields, sha256 }, null, 2));
  drop(ctx, 'edited.json', JSON.stringify({ ...fields, priority: 10, sha256 }, null, 2));
  expect(await scanIntents(ctx)).toMatchObject({ received: 1, invalid: 1 });
  expect(await only()).toMatchObject({
    type: 'trigger_phase',
    priority: 7,
    generatedAt: ctx.clock.now() - 60_000,
    emittedBy: 'observer',
  });
});

test('times are seconds, milliseconds or ISO; one from the future is now, and one that is missing too', async () => {
  const now = ctx.clock.now();
  const times = [(now - 5000) / 1000, now - 5000, new Date(now - 5000).toISOString(), now + HOUR, undefined];
  for (const [n, generated_at] of times.entries()) drop(ctx, `${n}.json`, rollbackTo(n, { generated_at }));
  await scanIntents(ctx);
  const all = new Map((await waiting()).map((i) => [i.data.to, i.generatedAt - now]));
  expect([0, 1, 2, 3, 4].map((n) => all.get(n))).toEqual([-5000, -5000, -5000, 0, 0]);
});

test('an equal request that waits is asked for once; words and evidence make no other request', async () => {
  drop(ctx, 'a.json', intent('trigger_dream', { data: { experiment: 'demo' }, priority: 3 }));
  drop(
    ctx,
    'b.json',
    intent('trigger_dream', { data: { experiment: 'demo', cause: 'x' }, reason: 'y', priority: 8 }),
  );
  drop(ctx, 'c.json', intent('trigger_dream', { data: { experiment: 'demo', trials: 3 } }));
  expect(await scanIntents(ctx)).toMatchObject({ received: 2, duplicate: 1 });
  expect((await waiting()).map((i) => [i.file, i.priority])).toEqual([
    ['a.json', 8],
    ['c.json', 5],
  ]);
  expect(archived(ctx, 'duplicate')[0]?.reason).toMatch(/asks for the same and waits already/);
});

test('a request made before an equal one was carried out is answered by it; one made after is a new one', async () => {
  const early = rollbackTo(1, { generated_at: ago(0) });
  drop(ctx, 'a.json', early);
  await scanIntents(ctx);
  ctx.clock.advance(1000);
  await finish(await only());
  drop(ctx, 'delivered-twice.json', early);
  expect(await scanIntents(ctx)).toMatchObject({ received: 0, duplicate: 1 });
  ctx.clock.advance(1000);
  drop(ctx, 'again.json', rollbackTo(1, { generated_at: ago(0) }));
  drop(ctx, 'undated.json', rollbackTo(1));
  expect(await scanIntents(ctx)).toMatchObject({ received: 1, duplicate: 1 });
});

test('an intent that waits too long goes stale', async () => {
  drop(ctx, 'old.json', rollbackTo(1, { generated_at: ago(25 * HOUR) }));
  drop(ctx, 'a.json', rollbackTo(2));
  expect(await scanIntents(ctx)).toMatchObject({ received: 2, stale: 1 });
  ctx.clock.advance(24 * HOUR);
  expect(await scanIntents(ctx)).toMatchObject({ stale: 1 });
  expect(
    archived(ctx, 'stale')
      .map((r) => r.file)
      .sort(),
  ).toEqual(['a.json', 'old.json']);
  expect(archived(ctx, 'stale')[0]?.reason).toMatch(/older than intents\.stale_after \(24 h\)/);
});

test('a fresh request is never lost to the age of an equal old one', async () => {
  drop(ctx, 'old.json', rollbackTo(1));
  await scanIntents(ctx);
  ctx.clock.advance(23 * HOUR);
  drop(ctx, 'fresh.json', rollbackTo(1));
  expect(await scanIntents(ctx)).toMatchObject({ duplicate: 1 });
  ctx.clock.advance(2 * HOUR);
  expect(await scanIntents(ctx)).toMatchObject({ stale: 0 });
  expect(await waiting()).toHaveLength(1);
  ctx.clock.advance(22 * HOUR);
  expect(await scanIntents(ctx)).toMatchObject({ stale: 1 });
});

test('an equal request that is stale already makes way for the fresh one', async () => {
  drop(ctx, 'old.json', rollbackTo(1));
  await scanIntents(ctx);
  ctx.clock.advance(24 * HOUR);
  drop(ctx, 'fresh.json', rollbackTo(1));
  expect(await scanIntents(ctx)).toMatchObject({ stale: 1, duplicate: 0, received: 1 });
  expect((await only()).file).toBe('fresh.json');
});

test('beyond the depth limit the lowest priority goes first, and of one priority the oldest', async () => {
  await reconfigure({ intents: { max_waiting: 2 } });
  const made: [to: number, priority: number, age: number][] = [
    [0, 1, 10],
    [1, 1, 30],
    [2, 9, 40],
    [3, 5, 50],
  ];
  for (const [to, priority, age] of made)
    drop(ctx, `${to}.json`, rollbackTo(to, { priority, generated_at: ago(age * 1000) }));
  expect(await scanIntents(ctx)).toMatchObject({ overflow: 2 });
  expect((await waiting()).map((i) => i.file)).toEqual(['2.json', '3.json']);
  drop(ctx, '4.json', rollbackTo(4, { priority: 5 }));
  await scanIntents(ctx);
  expect((await waiting()).map((i) => i.file)).toEqual(['2.json', '4.json']);
  expect(
    archived(ctx, 'overflow')
      .map((r) => r.file)
      .sort(),
  ).toEqual(['0.json', '1.json', '3.json']);
});

test('a try that fails is tried again with growing pauses, and quarantined after the third', async () => {
  drop(ctx, 'poison.json', rollbackTo(1));
  await scanIntents(ctx);
  const pauses: number[] = [];
  for (let n = 1; n <= 3; n++) {
    const one = await startIntent(ctx, (await only()).id);
    if (one === null) throw new Error('not started');
    await ctx.db.transaction((tx) => retryIntent(tx, ctx, one, `failed the ${n}. time`));
    const now = await getIntent(ctx.db, one.id);
    if (now?.state === 'waiting') pauses.push(now.nextTryAt - ctx.clock.now());
  }
  await deliverOutbox(ctx);
  expect(pauses).toEqual([300_000, 600_000]);
  expect(await waiting()).toEqual([]);
  expect(archived(ctx, 'quarantined')).toMatchObject([{ file: 'poison.json', attempts: 3 }]);
  expect(archived(ctx, 'quarantined')[0]?.reason).toMatch(/after 3 tries; the last: failed the 3\. time/);
});

test('an intent that ends its process each time is quarantined after three tries all the same', async () => {
  drop(ctx, 'poison.json', rollbackTo(1));
  await scanIntents(ctx);
  const { id } = await only();
  for (let n = 0; n < 3; n++) expect(await startIntent(ctx, id)).toMatchObject({ id, attempts: n });
  expect(await startIntent(ctx, id)).toBeNull();
  expect(await getIntent(ctx.db, id)).toMatchObject({ state: 'quarantined' });
  expect(await startIntent(ctx, id)).toBeNull();
});

test('a try that was interrupted for no fault of the intent does not count', async () => {
  drop(ctx, 'a.json', rollbackTo(1));
  await scanIntents(ctx);
  const one = await startIntent(ctx, (await only()).id);
  if (one === null) throw new Error('not started');
  await ctx.db.transaction((tx) => putBackIntent(tx, one));
  expect((await only()).attempts).toBe(0);
});

test('what is submitted is what the next scan takes in, checksum and all', async () => {
  const file = submitIntent(ctx, {
    type: 'rollback',
    reason: 'slow',
    data: { to: 3 },
    priority: 9,
    emittedBy: 'ana',
  });
  expect(file).toMatch(new RegExp(`^${ctx.clock.now()}_rollback_[0-9a-f]{8}\\.json$`));
  expect(await scanIntents(ctx)).toMatchObject({ received: 1, invalid: 0 });
  expect(await only()).toMatchObject({
    file,
    type: 'rollback',
    priority: 9,
    data: { to: 3 },
    emittedBy: 'ana',
  });
});

test('what the scan would refuse is refused at once, and nothing is written', () => {
  const bad = () => submitIntent(ctx, { type: 'rollback', reason: '', data: { to: -1 }, emittedBy: 'ana' });
  expect(bad).toThrow(expect.objectContaining({ code: 'KLR_E_INTENT_INVALID', exit: 65 }));
  expect(readdirSync(ctx.paths.intents)).toEqual([]);
});

test('a scan that is killed at each of its changes in turn loses and repeats nothing', async () => {
  for (let at = 1, crashed = true; crashed; at++) {
    await reconfigure({});
    drop(ctx, 'a.json', rollbackTo(1));
    drop(ctx, 'b.json', rollbackTo(1));
    drop(ctx, 'bad.json', '{');
    mkdirSync(join(ctx.paths.intents, 'folder.json'));
    const crashing = crashingFileSystem(ctx.fs, at);
    await scanIntents({ ...ctx, fs: crashing.fs }).catch((error) => expect(error).toBeInstanceOf(Crash));
    crashed = crashing.crashed();
    await deliverOutbox(ctx);
    await scanIntents(ctx);
    expect(await waiting()).toHaveLength(1);
    expect(await ctx.db.all('SELECT id FROM intents')).toHaveLength(4);
    expect(archived(ctx, 'duplicate')).toHaveLength(1);
    expect(new Set(archived(ctx, 'invalid').map((r) => r.intent))).toEqual(new Set(['{', null]));
    const kept = readdirSync(join(ctx.paths.processedIntents, 'invalid')).filter((name) =>
      name.endsWith('.original'),
    );
    expect(kept).toHaveLength(2);
    expect(readdirSync(ctx.paths.intents)).toEqual([]);
    expect(readdirSync(join(ctx.paths.processedIntents, 'claimed'))).toEqual([]);
    expect(at).toBeLessThan(60);
  }
});

test('the name of a file may be used again', async () => {
  for (const to of [1, 2]) {
    drop(ctx, 'rollback.json', rollbackTo(to));
    expect(await scanIntents(ctx)).toMatchObject({ received: 1 });
    await finish(await only());
    ctx.clock.advance(1000);
  }
  expect(archived(ctx, 'done').map((r) => r.intent)).toEqual([rollbackTo(1), rollbackTo(2)]);
});

test('a scan with nothing new costs four calls, whatever is archived', async () => {
  for (let n = 0; n < 200; n++) drop(ctx, `${n}.json`, rollbackTo(n));
  await scanIntents(ctx);
  const counting = countingFileSystem(ctx.fs);
  await scanIntents({ ...ctx, fs: counting.fs });
  expect(Object.fromEntries(counting.calls)).toEqual({ statSync: 2, readdirSync: 2 });
});
