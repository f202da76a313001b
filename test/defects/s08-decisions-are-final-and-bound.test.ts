/**
 * S8: the first system wrote ACKs and escrow entries in place, so that a crash left half of one; joined the id of an
 * entry into a path; let a rejected entry be approved; and bound an approval to nothing. The rules: files appear whole
 * or not at all; ids are never paths; the first decision stands; an approval is for one content, once.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { approve, getEntry, reject, use } from '../../src/escrow/queue.ts';
import { scanPromotions } from '../../src/promotion/scan.ts';
import { deliverOutbox } from '../../src/store/outbox.ts';
import { ask } from '../escrow/entries.ts';
import { ackNames, ackOf, defaults, drop, v1 } from '../promotion/promotions.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { Crash, crashingFileSystem } from '../support/failing-fs.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
});
afterEach(() => ctx.cleanup());

const ana = { reviewer: 'ana', reason: 'fine' };

test('a crash at any point of writing an ACK leaves no ACK or a whole one, and the next scan writes it', async () => {
  for (let at = 1, crashed = true; crashed; at++) {
    await ctx.cleanup();
    ctx = await testContext();
    drop(ctx, 'bad.json', v1('bad', { cache: 0 }));
    const crashing = crashingFileSystem(ctx.fs, at);
    await scanPromotions({ ...ctx, fs: crashing.fs }, defaults(ctx)).catch((error) =>
      expect(error).toBeInstanceOf(Crash),
    );
    crashed = crashing.crashed();
    const left = ackOf(ctx, 'bad.json');
    if (left !== null) expect(left).toMatchObject({ promotion_id: 'bad', accepted: false, schema: 'v1' });
    await deliverOutbox(ctx);
    expect(ackNames(ctx)).toEqual(['bad_ack.json']);
    expect(ackOf(ctx, 'bad.json')).toMatchObject({ promotion_id: 'bad', accepted: false });
    expect(at).toBeLessThan(30);
  }
});

test('the id of an entry is never a path: nothing outside the table is read or written', async () => {
  await ask(ctx);
  const outside = join(ctx.configDir, 'entry.json');
  writeFileSync(outside, '{"status":"pending_review"}');
  const before = readdirSync(ctx.paths.root).sort();
  for (const id of ['../../entry', '../entry', outside, 'x/../../entry', '..'])
    await expect(approve(ctx, id, ana)).rejects.toMatchObject({ code: 'KLR_E_NOT_FOUND' });
  expect(readFileSync(outside, 'utf8')).toBe('{"status":"pending_review"}');
  expect(readdirSync(ctx.paths.root).sort()).toEqual(before);
});

test('the id of a promotion is never a path: its ACK stands in promotions_ack/', async () => {
  drop(ctx, 'evil.json', { ...v1('x'), id: '../../../tmp/evil' });
  await scanPromotions(ctx, defaults(ctx));
  expect(ackNames(ctx)).toEqual(['evil_ack.json']);
  expect(readdirSync(ctx.configDir)).toEqual(['home']);
});

test('what was rejected stays rejected', async () => {
  const id = await ask(ctx);
  await reject(ctx, id, { reviewer: 'bo', reason: 'no' });
  await expect(approve(ctx, id, ana)).rejects.toMatchObject({ code: 'KLR_E_ESCROW_DECIDED' });
  expect(await getEntry(ctx.db, id)).toMatchObject({ state: 'rejected', reviewer: 'bo', reason: 'no' });
});

test('an approval is for the content that was approved, and for one use', async () => {
  const id = await ask(ctx);
  const { contentSha256, baseVersion } = await approve(ctx, id, ana);
  const commit = (bound: { contentSha256: string; baseVersion: number }) =>
    ctx.db.transaction((tx) => use(tx, ctx, id, bound));
  const code = (name: string) => ({ code: `KLR_E_ESCROW_${name}` });
  await expect(commit({ contentSha256: '00'.repeat(32), baseVersion })).rejects.toMatchObject(
    code('CHANGED'),
  );
  await expect(commit({ contentSha256, baseVersion: baseVersion + 1 })).rejects.toMatchObject(code('MOVED'));
  await commit({ contentSha256, baseVersion });
  await expect(commit({ contentSha256, baseVersion })).rejects.toMatchObject(code('USED'));
});
