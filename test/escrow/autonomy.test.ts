import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { demotionsOf, lowerAutonomy, raiseAutonomy, readDemotions } from '../../src/escrow/autonomy.ts';
import { approve, use } from '../../src/escrow/decide.ts';
import { getEntry } from '../../src/escrow/entries.ts';
import { escrowFindings } from '../../src/escrow/rules.ts';
import { readEvents } from '../../src/store/ledger.ts';
import { takeBack } from '../../src/tick/take-back.ts';
import { commitWhole } from '../support/baseline.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { ask, proposed } from './entries.ts';

let ctx: TestContext;

beforeEach(async () => {
  ctx = await testContext();
});
afterEach(() => ctx.cleanup());

const code = (name: string) => expect.objectContaining({ code: name });
const surprise = (names: string[], freeze = false) =>
  ctx.db.transaction((tx) =>
    lowerAutonomy(tx, ctx, 'demo', names, { reason: 'it surprised', version: 1, freeze }),
  );
const levels = async () => (await readDemotions(ctx.db)).map((d) => [d.parameter, d.level]);
const reasons = async (to: object) => {
  const past = { now: ctx.clock.now(), demotions: await demotionsOf(ctx.db, 'demo'), versions: [] };
  const change = proposed();
  return (await escrowFindings(ctx, { ...change, to: { ...change.from, ...to } }, past)).reasons;
};

describe('after a surprise', () => {
  test('a parameter loses a step of its autonomy each time, down to where a person decides, and no further', async () => {
    for (const level of ['guarded', 'propose', 'propose']) {
      await surprise(['cache']);
      expect(await levels()).toEqual([['cache', level]]);
    }
    expect(await readEvents(ctx.db, { kind: 'autonomy.lowered' })).toHaveLength(2);
    expect(await reasons({ cache: 64 })).toEqual(['cache is changed by a person only (propose)']);
    expect(await reasons({ ratio: 0.6 })).toEqual([]);
  });

  test('a roll-back demotes exactly what it took back, in its own transaction', async () => {
    await commitWhole(ctx, { cache: 64, mode: 'fast' });
    await takeBack(ctx, { actor: 'ana', reason: 'pager' });
    expect(await levels()).toEqual([
      ['cache', 'guarded'],
      ['mode', 'guarded'],
    ]);
    expect((await readDemotions(ctx.db))[0]).toMatchObject({
      version: 1,
      reason: 'v1 was taken back: pager',
    });
  });

  test('going back further than a roll-back did is a person’s choice, and no surprise', async () => {
    await commitWhole(ctx, { ratio: 0.75 });
    await commitWhole(ctx, { cache: 64 });
    await takeBack(ctx, { actor: 'ana', reason: 'pager' });
    await takeBack(ctx, { to: 0, actor: 'ana', reason: 'further' });
    expect(await levels()).toEqual([['cache', 'guarded']]);
  });

  test('what the configuration does not know is left alone', async () => {
    await surprise(['gone']);
    expect(await levels()).toEqual([]);
  });
});

describe('a person raises it', () => {
  const ana = { actor: 'ana', reason: 'understood' };

  test('to what the configuration grants, or less far', async () => {
    await surprise(['cache', 'mode']);
    await surprise(['cache']);
    expect(await raiseAutonomy(ctx, 'demo.cache', { ...ana, to: 'guarded' })).toMatchObject({
      level: 'guarded',
    });
    expect(await raiseAutonomy(ctx, 'demo.cache', ana)).toMatchObject({
      level: 'auto',
      actor: 'ana',
      version: null,
    });
    expect(await reasons({ cache: 64 })).toEqual([]);
    expect(await reasons({ mode: 'fast' })).toHaveLength(1);
    expect(await readEvents(ctx.db, { kind: 'autonomy.raised' })).toHaveLength(2);
  });

  test.each([
    ['demo.cahce', ana, 'KLR_E_NOT_FOUND'],
    ['__proto__', ana, 'KLR_E_NOT_FOUND'],
    ['demo.cache', { ...ana, reason: ' ' }, 'KLR_E_ESCROW_REVIEWER'],
    ['demo.cache', { ...ana, to: 'propose' as const }, 'KLR_E_ESCROW_AUTONOMY'],
    ['demo.ratio', ana, 'KLR_E_ESCROW_AUTONOMY'],
  ])('%s %j: %s', async (name, asked, expected) => {
    await surprise(['cache']);
    await expect(raiseAutonomy(ctx, name, asked)).rejects.toEqual(code(expected));
    expect(await levels()).toEqual([['cache', 'guarded']]);
  });

  test('never beyond what the configuration grants', async () => {
    await ctx.cleanup();
    const parameters = { cache: { type: 'int', low: 1, high: 9, default: 2, autonomy: 'guarded' } } as const;
    const { experimentConfig } = await import('../support/context.ts');
    ctx = await testContext({ config: { experiments: { demo: experimentConfig({ parameters }) } } });
    await surprise(['cache']);
    await expect(raiseAutonomy(ctx, 'cache', { ...ana, to: 'auto' })).rejects.toEqual(
      code('KLR_E_ESCROW_AUTONOMY'),
    );
    expect(await raiseAutonomy(ctx, 'cache', ana)).toMatchObject({ level: 'guarded' });
  });
});

test('a frozen parameter is approved by nobody until it is raised, and then once', async () => {
  await surprise(['cache'], true);
  expect(await reasons({ cache: 64 })).toEqual(['cache is frozen until a person raises its autonomy']);
  const id = await ask(ctx);
  await expect(approve(ctx, id, { reviewer: 'ana', reason: 'yes' })).rejects.toEqual(
    code('KLR_E_ESCROW_FROZEN'),
  );
  expect(await getEntry(ctx.db, id)).toMatchObject({ state: 'waiting', approvals: [] });
  await raiseAutonomy(ctx, 'demo.cache', { actor: 'ana', reason: 'understood' });
  const entry = await approve(ctx, id, { reviewer: 'ana', reason: 'yes' });
  expect(entry).toMatchObject({ state: 'approved', approvals: [{ reviewer: 'ana', reason: 'yes' }] });
  await ctx.db.transaction((tx) => use(tx, ctx, id, entry));
  expect((await getEntry(ctx.db, id)).state).toBe('used');
});
