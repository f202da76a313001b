import { afterEach, beforeEach, expect, test } from 'vitest';
import { verifyChain } from '../../src/baseline/chain.ts';
import { commitPromotion } from '../../src/baseline/commit.ts';
import { parseContent } from '../../src/baseline/content.ts';
import { currentBaseline, getBaseline, listBaselines } from '../../src/baseline/current.ts';
import type { HeldLock } from '../../src/lock/types.ts';
import { deliverOutbox } from '../../src/store/outbox.ts';
import {
  commitOnly,
  commitRequest,
  commitWhole,
  giveVerdict,
  takeBaselineLock,
  underBaselineLock,
} from '../support/baseline.ts';
import {
  type ExperimentInput,
  experimentConfig,
  parseConfig,
  type TestContext,
  testContext,
} from '../support/context.ts';

let ctx: TestContext;
beforeEach(async () => {
  const plain = experimentConfig();
  const parameters: ExperimentInput['parameters'] = {
    ...plain.parameters,
    seen: { type: 'int', low: 0, high: 9, default: 1, autonomy: 'observe' },
    fixed: { type: 'int', low: 0, high: 9, default: 1, autonomy: 'off', when: { mode: ['fast'] } },
  };
  const demo = experimentConfig({ parameters, forbidden: ['cache > 512 && compress'] });
  ctx = await testContext({ config: { experiments: { demo, other: plain } } });
});
afterEach(() => ctx.cleanup());

const attempt = (request: Parameters<typeof commitPromotion>[2], lock?: HeldLock) =>
  lock
    ? commitPromotion(ctx, lock, request)
    : underBaselineLock(ctx, (own) => commitPromotion(ctx, own, request));
/** Nothing at all was changed: no version, no event, no file owed. */
async function nothingChanged(): Promise<void> {
  expect((await currentBaseline(ctx.db, ctx.config)).version).toBe(0);
  expect(await ctx.db.all("SELECT * FROM events WHERE kind = 'baseline.committed'")).toEqual([]);
  expect(await ctx.db.all('SELECT * FROM outbox')).toEqual([]);
}

test('before anything was committed the defaults of the configuration are in force, as version 0', async () => {
  expect(await currentBaseline(ctx.db, ctx.config)).toMatchObject({
    version: 0,
    kind: 'initial',
    params: { demo: { cache: 8, ratio: 0.5, mode: 'slow', compress: false, seen: 1 } },
  });
});

test('a commit holds every experiment, its content reads back, and its manifest names what led to it', async () => {
  const baseline = await commitWhole(ctx, { cache: 64, mode: 'fast' });
  expect(baseline).toMatchObject({ version: 1, promotionId: 'p1', epochId: 'epoch-1', previousSha256: '' });
  expect(await parseContent(baseline.content)).toEqual(baseline.params);
  expect(baseline.params['demo']).toMatchObject({ cache: 64, mode: 'fast', fixed: 1 });
  expect(baseline.params['other']).toMatchObject({ cache: 8 });
  expect(JSON.parse(ctx.fs.readFileSync(ctx.paths.baselineManifest, 'utf8'))).toMatchObject({
    version: 1,
    sha256: baseline.sha256,
    promotion_ids: ['p1'],
    phase_epoch: 'epoch-1',
    fencing_token: 1,
  });
});

test('each version is linked to the one before, and they are listed newest first', async () => {
  for (const cache of [2, 3, 4]) await commitWhole(ctx, { cache });
  const [third, second, first] = await listBaselines(ctx.db);
  expect(third?.previousSha256).toBe(second?.manifestSha256);
  expect(second?.previousSha256).toBe(first?.manifestSha256);
  expect(await verifyChain(ctx)).toMatchObject({ ok: true, versions: 3, head: third?.manifestSha256 });
});

test.each([
  ['out of bounds', { cache: 1025 }, 'cache'],
  ['not finite', { ratio: Number.NaN }, 'ratio'],
  ['of another type', { compress: 1 }, 'compress'],
  ['unknown', { ghost: 1 }, 'ghost'],
  ['a forbidden combination', { cache: 513, compress: true }, 'cache > 512'],
  ['to be observed only', { seen: 2 }, 'seen = 2 (autonomy: observe)'],
  ['never to be changed', { mode: 'fast', fixed: 2 }, 'fixed = 2 (autonomy: off)'],
  ['no change at all', {}, 'changes nothing'],
])('a value that is %s is never committed', async (_what, changes, named) => {
  await giveVerdict(ctx, 'p1');
  const request = await commitRequest(ctx, 'p1', changes as Record<string, number>);
  await expect(attempt(request)).rejects.toMatchObject({
    code: 'KLR_E_BASELINE_REFUSED',
    message: expect.stringContaining(named),
  });
  await nothingChanged();
});

test.each(['reject', 'inconclusive', 'error', null])(
  'a promotion with the verdict %s is never committed',
  async (verdict) => {
    if (verdict) await giveVerdict(ctx, 'p1', verdict);
    await expect(attempt(await commitRequest(ctx, 'p1', { cache: 9 }))).rejects.toMatchObject({
      code: 'KLR_E_BASELINE_REFUSED',
    });
    await nothingChanged();
  },
);

test('an experiment that is not configured is refused', async () => {
  await giveVerdict(ctx, 'p1');
  const request = await commitRequest(ctx, 'p1', { cache: 9 });
  for (const experiment of ['ghost', '__proto__', null])
    await expect(attempt({ ...request, promotion: { id: 'p1', experiment } })).rejects.toMatchObject({
      code: 'KLR_E_BASELINE_REFUSED',
    });
});

test('a promotion takes effect once', async () => {
  await commitWhole(ctx, { cache: 9 });
  const again = await commitRequest(ctx, 'p1', { cache: 10 });
  await expect(attempt(again)).rejects.toMatchObject({ message: expect.stringContaining('v1 already') });
});

test('a token commits once, and a token that was outrun never', async () => {
  await giveVerdict(ctx, 'p2');
  await giveVerdict(ctx, 'p3');
  const first = await takeBaselineLock(ctx);
  await giveVerdict(ctx, 'p1');
  expect(await attempt(await commitRequest(ctx, 'p1', { cache: 9 }), first)).toMatchObject({
    state: 'committed',
  });
  const second = await commitRequest(ctx, 'p2', { cache: 10 });
  await expect(attempt(second, first)).rejects.toMatchObject({ code: 'KLR_E_FENCED' });
  first.release();
  const newer = await takeBaselineLock(ctx);
  await expect(attempt(second, first)).rejects.toMatchObject({ code: 'KLR_E_FENCED' });
  expect(await attempt(second, newer)).toMatchObject({ state: 'committed' });
  newer.release();
  // A fence that was put back with an old database does not help an old token either.
  await ctx.db.run("UPDATE fences SET token = 1 WHERE name = 'baseline'");
  await expect(attempt(await commitRequest(ctx, 'p3', { cache: 11 }), first)).rejects.toMatchObject({
    code: 'KLR_E_FENCED',
  });
  expect((await currentBaseline(ctx.db, ctx.config)).version).toBe(2);
});

test('the token of a holder that was outrun before it committed is refused, and so is that of another lock', async () => {
  await giveVerdict(ctx, 'p1');
  const paused = await takeBaselineLock(ctx);
  const request = await commitRequest(ctx, 'p1', { cache: 9 });
  await ctx.db.run("UPDATE fences SET token = token + 1 WHERE name = 'baseline'");
  await expect(attempt(request, paused)).rejects.toMatchObject({ code: 'KLR_E_FENCED' });
  await expect(attempt(request, { ...paused, name: 'phase' })).rejects.toMatchObject({
    code: 'KLR_E_INTERNAL',
  });
  paused.release();
  await nothingChanged();
});

test('what was validated against another configuration of its experiment is not committed, but told as moved', async () => {
  await giveVerdict(ctx, 'late');
  const late = await commitRequest(ctx, 'late', { cache: 11 });
  await commitWhole(ctx, { cache: 9 });
  expect(await attempt(late)).toMatchObject({ state: 'moved', reason: expect.stringContaining('v0 to v1') });
  expect(await attempt({ ...late, validatedAgainst: 77 })).toMatchObject({ state: 'moved' });
  expect((await currentBaseline(ctx.db, ctx.config)).version).toBe(1);
});

test('a version that changed another experiment does not move what was validated', async () => {
  await giveVerdict(ctx, 'late');
  const late = await commitRequest(ctx, 'late', { cache: 11 });
  await giveVerdict(ctx, 'p-other');
  const other = { ...late, promotion: { id: 'p-other', experiment: 'other' } };
  const plain = { cache: 9, ratio: 0.5, mode: 'slow', compress: false };
  expect(await attempt({ ...other, params: plain })).toMatchObject({ state: 'committed' });
  expect(await attempt(late)).toMatchObject({ state: 'committed' });
  const { params } = await currentBaseline(ctx.db, ctx.config);
  expect([params['demo']?.['cache'], params['other']?.['cache']]).toEqual([11, 9]);
});

test('what the caller adds fails with the commit, or is done with it', async () => {
  const failing = commitOnly(ctx, { cache: 9 }, async (tx) => {
    await tx.run("INSERT INTO meta (key, value) VALUES ('ack', 'x')");
    throw new Error('the ACK cannot be made');
  });
  await expect(failing).rejects.toThrow('the ACK');
  await nothingChanged();
  expect(await ctx.db.get("SELECT * FROM meta WHERE key = 'ack'")).toBeUndefined();
});

test('a configuration that changed later is seen through: new parameters have their default, gone ones are left out', async () => {
  await commitWhole(ctx, { cache: 9 });
  const { cache: _, ...rest } = experimentConfig().parameters;
  const parameters = { ...rest, fresh: { type: 'int', low: 0, high: 5, default: 3 } } as const;
  const config = parseConfig({ experiments: { demo: experimentConfig({ parameters }) } });
  const seen = await currentBaseline(ctx.db, config);
  expect(seen.params).toEqual({ demo: { ratio: 0.5, mode: 'slow', compress: false, fresh: 3 } });
  expect((await getBaseline(ctx.db, 1))?.params['demo']).toMatchObject({ cache: 9 });
});

test('files are owed in the order in which readers may see them, manifest.json last', async () => {
  await commitOnly(ctx, { cache: 9 });
  expect(await deliverOutbox(ctx)).toEqual([
    'baseline/versions/baseline_v0001.yaml',
    'baseline/versions/manifest_v0001.json',
    'baseline/baseline.yaml',
    'baseline/manifest.json',
  ]);
});
