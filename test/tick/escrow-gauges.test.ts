import { afterEach, expect, test } from 'vitest';
import { lowerAutonomy, raiseAutonomy } from '../../src/escrow/autonomy.ts';
import { readGauges } from '../../src/tick/gauges.ts';
import { tellReviewers } from '../../src/tick/tell-reviewers.ts';
import { ask } from '../escrow/entries.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
afterEach(() => ctx.cleanup());

const value = async (name: string) => (await readGauges(ctx)).find((m) => m.name === name)?.value;

test('parameters whose autonomy was lowered are counted until a person raises them', async () => {
  ctx = await testContext();
  expect(await value('kloros_autonomy_lowered')).toBe(0);
  const cause = { reason: 'it surprised', version: 1 };
  await ctx.db.transaction((tx) => lowerAutonomy(tx, ctx, 'demo', ['cache', 'mode'], cause));
  expect(await value('kloros_autonomy_lowered')).toBe(2);
  await raiseAutonomy(ctx, 'demo.cache', { actor: 'ana', reason: 'understood' });
  expect(await value('kloros_autonomy_lowered')).toBe(1);
});

test('an entry that nobody was told of is counted, where somebody should be', async () => {
  ctx = await testContext({ config: { escrow: { notify: ['true'] } } });
  await ask(ctx);
  expect(await value('kloros_escrow_untold')).toBe(1);
  await tellReviewers(ctx);
  expect(await value('kloros_escrow_untold')).toBe(0);
});

test('without a notification command nothing is untold', async () => {
  ctx = await testContext();
  await ask(ctx);
  expect(await value('kloros_escrow_untold')).toBe(0);
});
