/**
 * The first system removed duplicates before it removed what was stale: a fresh request was archived as the duplicate
 * of an old one, the old one was then pruned for its age, and the request was lost. And an intent it could not parse
 * stayed in the folder for ever, and a priority that was no number stopped the whole queue. The rule: a request ends
 * with a reason, and no bad one stands in the way of another.
 */
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listIntents } from '../../src/intent/queue.ts';
import { scanIntents } from '../../src/intent/scan.ts';
import { drop, intent } from '../intent/intents.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
});
afterEach(() => ctx.cleanup());

const waiting = () => listIntents(ctx.db, { states: ['waiting'] });

test('an old request and its fresh duplicate in one folder leave the fresh one waiting', async () => {
  const now = ctx.clock.now() / 1000;
  drop(ctx, '1_old.json', intent('reflect', { generated_at: now - 25 * 3600 }));
  drop(ctx, '2_fresh.json', intent('reflect', { generated_at: now }));
  await scanIntents(ctx);
  expect((await waiting()).map((i) => i.generatedAt)).toHaveLength(1);
  ctx.clock.advance(3_600_000);
  await scanIntents(ctx);
  expect(await waiting()).toHaveLength(1);
});

test('an unparseable intent and one with a priority of words stop nobody', async () => {
  drop(ctx, '1.json', '{"intent_type":');
  drop(ctx, '2.json', intent('reflect', { priority: 'urgent' }));
  drop(ctx, '3.json', intent('reflect'));
  expect(await scanIntents(ctx)).toMatchObject({ received: 1, invalid: 2 });
  expect(await waiting()).toHaveLength(1);
  expect(readdirSync(ctx.paths.intents)).toEqual([]);
});
