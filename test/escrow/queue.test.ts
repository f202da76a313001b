import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  approve,
  changeSha256,
  expireDue,
  getEntry,
  listEntries,
  openEntry,
  reject,
  use,
  voidOpen,
} from '../../src/escrow/queue.ts';
import { canonicalJson, fromJson } from '../../src/store/json.ts';
import { readEvents } from '../../src/store/ledger.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { ask, proposed } from './entries.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
});
afterEach(() => ctx.cleanup());

const ana = { reviewer: 'ana', reason: 'measured twice' };
const sha = changeSha256(proposed(), 3);
const DAY = 86_400_000;
const commit = (id: string, bound = { contentSha256: sha, baseVersion: 3 }) =>
  ctx.db.transaction((tx) => use(tx, ctx, id, bound));
const refused = (code: string) => expect.objectContaining({ code });

test('an approval is asked for, given, used once, and every step is on record', async () => {
  const id = await ask(ctx);
  expect(id).toMatch(/^escrow-[0-9a-f]{12}$/);
  expect(await getEntry(ctx.db, id)).toMatchObject({ state: 'waiting', contentSha256: sha, baseVersion: 3 });
  expect(await approve(ctx, id, { ...ana, contentSha256: sha })).toMatchObject({
    state: 'approved',
    reviewer: 'ana',
    reason: 'measured twice',
    decidedAt: ctx.clock.now(),
  });
  ctx.clock.advance(1000);
  await commit(id);
  expect(await getEntry(ctx.db, id)).toMatchObject({
    state: 'used',
    reviewer: 'ana',
    reason: 'measured twice',
    decidedAt: ctx.clock.now() - 1000,
  });
  expect((await readEvents(ctx.db, { subject: id })).map((e) => e.kind)).toEqual([
    'escrow.requested',
    'escrow.approved',
    'escrow.used',
  ]);
});

test('an approval works once', async () => {
  const id = await ask(ctx);
  await approve(ctx, id, ana);
  await commit(id);
  await expect(commit(id)).rejects.toEqual(refused('KLR_E_ESCROW_USED'));
});

test('the first decision stands: no approval after a refusal, no refusal after an approval, no second approval', async () => {
  const decided = refused('KLR_E_ESCROW_DECIDED');
  const id = await ask(ctx);
  await reject(ctx, id, { reviewer: 'bo', reason: 'not on a Friday' });
  await expect(approve(ctx, id, ana)).rejects.toEqual(decided);
  await expect(approve(ctx, id, ana)).rejects.toThrow(/is rejected already by bo/);
  await expect(commit(id)).rejects.toEqual(decided);
  const other = await ask(ctx, proposed({ promotionId: 'demo:2' }));
  await approve(ctx, other, ana);
  await expect(approve(ctx, other, { ...ana, reviewer: 'bo' })).rejects.toEqual(decided);
  await expect(reject(ctx, other, ana)).rejects.toEqual(decided);
  expect(await getEntry(ctx.db, other)).toMatchObject({ state: 'approved', reviewer: 'ana' });
});

test('of two reviewers in two processes at the same time, exactly one decides on each entry', async () => {
  // The processes have the real clock.
  ctx.clock.step(Date.now() - ctx.clock.now());
  const ids: string[] = [];
  for (let n = 0; n < 30; n++) ids.push(await ask(ctx, proposed({ promotionId: `demo:${n}` })));
  const script = join(import.meta.dirname, '../support/reviewer-child.ts');
  const race = ['approve', 'reject'].map((verb) =>
    spawn(process.execPath, [script, ctx.paths.database, verb, ...ids]),
  );
  const outputs = race.map((child) => text(child.stdout));
  for (const child of race) child.stdin.end();
  const [approved, rejected] = (await Promise.all(outputs)).map(
    (lines) =>
      new Map(
        lines
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as [string, true | string]),
      ),
  );
  for (const id of ids) {
    const both = [approved?.get(id), rejected?.get(id)];
    expect(both.toSorted()).toEqual(['KLR_E_ESCROW_DECIDED', true]);
    expect((await getEntry(ctx.db, id)).state).toBe(both[0] === true ? 'approved' : 'rejected');
  }
});

test('what is not approved is not used', async () => {
  const id = await ask(ctx);
  await expect(commit(id)).rejects.toEqual(refused('KLR_E_ESCROW_DECIDED'));
  expect((await getEntry(ctx.db, id)).state).toBe('waiting');
});

describe('expiry', () => {
  test('an entry cannot be decided on after its time, and a clock that steps back does not revive it', async () => {
    const id = await ask(ctx);
    ctx.clock.advance(3 * DAY);
    await expect(approve(ctx, id, ana)).rejects.toEqual(refused('KLR_E_ESCROW_EXPIRED'));
    expect((await expireDue(ctx)).map((e) => e.id)).toEqual([id]);
    ctx.clock.step(-3 * DAY);
    await expect(approve(ctx, id, ana)).rejects.toEqual(refused('KLR_E_ESCROW_EXPIRED'));
    await expect(reject(ctx, id, ana)).rejects.toEqual(refused('KLR_E_ESCROW_EXPIRED'));
    expect(await expireDue(ctx)).toEqual([]);
  });

  test('an approval cannot be used after its time', async () => {
    const id = await ask(ctx);
    ctx.clock.advance(3 * DAY - 1);
    await approve(ctx, id, ana);
    ctx.clock.advance(1);
    await expect(commit(id)).rejects.toEqual(refused('KLR_E_ESCROW_EXPIRED'));
    expect(await expireDue(ctx)).toMatchObject([{ id, state: 'approved' }]);
    expect(await getEntry(ctx.db, id)).toMatchObject({ state: 'expired', reviewer: 'ana' });
  });
});

describe('what is approved is one change of one version', () => {
  test('an approval for a version that is no longer in force is not used', async () => {
    const id = await ask(ctx);
    await approve(ctx, id, ana);
    await expect(commit(id, { contentSha256: sha, baseVersion: 4 })).rejects.toEqual(
      refused('KLR_E_ESCROW_MOVED'),
    );
    expect((await getEntry(ctx.db, id)).state).toBe('approved');
  });

  test('an approval is not used for another change', async () => {
    const id = await ask(ctx);
    await approve(ctx, id, ana);
    const other = changeSha256(proposed({ to: { cache: 1024 } }), 3);
    await expect(commit(id, { contentSha256: other, baseVersion: 3 })).rejects.toEqual(
      refused('KLR_E_ESCROW_CHANGED'),
    );
  });

  test('a reviewer who saw another change decides on nothing', async () => {
    const id = await ask(ctx);
    const stale = { ...ana, contentSha256: 'ab'.repeat(32) };
    await expect(approve(ctx, id, stale)).rejects.toEqual(refused('KLR_E_ESCROW_CHANGED'));
    await expect(reject(ctx, id, stale)).rejects.toEqual(refused('KLR_E_ESCROW_CHANGED'));
  });

  for (const when of ['before', 'after'] as const)
    test(`an entry that was edited in the database ${when} the approval is worth nothing`, async () => {
      const id = await ask(ctx);
      if (when === 'after') await approve(ctx, id, ana);
      const row = await ctx.db.get<{ document: string }>('SELECT document FROM escrow WHERE id = ?', id);
      const document = fromJson<{ change: object }>(row?.document);
      const edited = { ...document, change: proposed({ to: { cache: 1024 } }) };
      await ctx.db.run('UPDATE escrow SET document = ? WHERE id = ?', canonicalJson(edited), id);
      const attempt = when === 'before' ? approve(ctx, id, ana) : commit(id);
      await expect(attempt).rejects.toEqual(refused('KLR_E_ESCROW_CHANGED'));
    });

  test('the entry of another promotion is not bound to this one', async () => {
    expect(changeSha256(proposed({ promotionId: 'demo:2' }), 3)).not.toBe(sha);
    expect(changeSha256(proposed(), 4)).not.toBe(sha);
    expect(changeSha256(proposed({ gain: 0.9 }), 3)).toBe(sha);
  });
});

for (const id of [
  '../../kloros',
  'escrow-1/../../x',
  '/etc/passwd',
  '..',
  '',
  'a\u0000',
  'escrow-000000000000',
])
  test(`there is no entry ${JSON.stringify(id)} to decide on`, async () => {
    await ask(ctx);
    const missing = refused('KLR_E_NOT_FOUND');
    await expect(getEntry(ctx.db, id)).rejects.toEqual(missing);
    await expect(approve(ctx, id, ana)).rejects.toEqual(missing);
    await expect(reject(ctx, id, ana)).rejects.toEqual(missing);
    await expect(commit(id)).rejects.toEqual(missing);
  });

test('a decision needs a name, and a refusal a reason', async () => {
  const id = await ask(ctx);
  const nobody = refused('KLR_E_ESCROW_REVIEWER');
  for (const reviewer of ['', '  ', 'a\u001b[31m', 'x'.repeat(129)])
    await expect(approve(ctx, id, { reviewer, reason: '' }).catch((e) => e)).resolves.toEqual(nobody);
  await expect(reject(ctx, id, { reviewer: 'ana', reason: ' ' }).catch((e) => e)).resolves.toEqual(nobody);
  expect(await approve(ctx, id, { reviewer: ' ana ', reason: '' })).toMatchObject({ reviewer: 'ana' });
});

test('asking again for the same change gives the same entry, for another one voids it', async () => {
  const id = await ask(ctx);
  expect(await ask(ctx)).toBe(id);
  await approve(ctx, id, ana);
  expect(await ask(ctx)).toBe(id);
  const other = await ask(ctx, proposed({ to: { cache: 128 } }));
  expect(other).not.toBe(id);
  expect((await getEntry(ctx.db, id)).state).toBe('void');
  await expect(commit(id)).rejects.toEqual(refused('KLR_E_ESCROW_DECIDED'));
  expect((await openEntry(ctx.db, 'demo:1'))?.id).toBe(other);
});

test('what is open for a promotion is voided with the promotion, once', async () => {
  const id = await ask(ctx);
  const end = () => ctx.db.transaction((tx) => voidOpen(tx, ctx, 'demo:1', 'superseded by demo:9'));
  expect([await end(), await end()]).toEqual([true, false]);
  expect(await getEntry(ctx.db, id)).toMatchObject({ state: 'void', reason: 'superseded by demo:9' });
  expect(await openEntry(ctx.db, 'demo:1')).toBeNull();
});

test('lists are by state, oldest first', async () => {
  const first = await ask(ctx);
  ctx.clock.advance(1000);
  const second = await ask(ctx, proposed({ promotionId: 'demo:2' }));
  await approve(ctx, first, ana);
  const idsOf = async (filter: Parameters<typeof listEntries>[1]) =>
    (await listEntries(ctx.db, filter)).map((e) => e.id);
  expect(await idsOf({})).toEqual([first, second]);
  expect(await idsOf({ states: ['waiting'] })).toEqual([second]);
  expect(await idsOf({ states: [] })).toEqual([]);
});
