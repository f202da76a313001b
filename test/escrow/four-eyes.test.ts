import { afterEach, beforeEach, expect, test } from 'vitest';
import { approve, use } from '../../src/escrow/decide.ts';
import { getEntry } from '../../src/escrow/entries.ts';
import { readEvents } from '../../src/store/ledger.ts';
import { parseConfig, type TestContext, testContext } from '../support/context.ts';
import { ask } from './entries.ts';

let ctx: TestContext;

beforeEach(async () => {
  ctx = await testContext({ config: { escrow: { four_eyes: true } } });
});
afterEach(() => ctx.cleanup());

const by = (reviewer: string) => ({ reviewer, reason: 'seen' });
const refused = expect.objectContaining({ code: 'KLR_E_ESCROW_FOUR_EYES' });

test('one approval leaves it waiting; a second by another person approves it, and both are on record', async () => {
  const id = await ask(ctx);
  expect(await approve(ctx, id, by('kloros (ana)'))).toMatchObject({ state: 'waiting', decidedAt: null });
  expect(await readEvents(ctx.db, { kind: 'escrow.approved-by-one' })).toHaveLength(1);
  const entry = await approve(ctx, id, by('kloros (bo)'));
  expect(entry).toMatchObject({ state: 'approved', reviewer: 'kloros (bo)' });
  expect(entry.approvals.map((a) => a.reviewer)).toEqual(['kloros (ana)', 'kloros (bo)']);
  await ctx.db.transaction((tx) => use(tx, ctx, id, entry));
});

test.each([
  ['the same person again', 'ana'],
  ['the same person behind another account', 'root (ana)'],
  ['the service itself, which asked', 'kloros'],
])('%s is not the second', async (_, second) => {
  const id = await ask(ctx);
  await approve(ctx, id, by('ana'));
  await expect(approve(ctx, id, by(second))).rejects.toEqual(refused);
  expect(await getEntry(ctx.db, id)).toMatchObject({ state: 'waiting', approvals: [{ reviewer: 'ana' }] });
});

test('an approval from before the option was set is not used alone', async () => {
  const id = await ask(ctx);
  const entry = await approve({ ...ctx, config: parseConfig() }, id, by('ana'));
  expect(entry.state).toBe('approved');
  await expect(ctx.db.transaction((tx) => use(tx, ctx, id, entry))).rejects.toEqual(refused);
  expect((await getEntry(ctx.db, id)).state).toBe('approved');
});
