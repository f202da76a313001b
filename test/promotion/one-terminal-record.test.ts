import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KlorosError } from '../../src/errors.ts';
import { readMetrics } from '../../src/metrics/counters.ts';
import { settle } from '../../src/promotion/ack.ts';
import { getPromotion, listPromotions, markScreened } from '../../src/promotion/records.ts';
import { scanPromotions } from '../../src/promotion/scan.ts';
import { submitPromotion } from '../../src/promotion/submit.ts';
import type { TerminalState } from '../../src/promotion/types.ts';
import { readEvents, verifyLedger } from '../../src/store/ledger.ts';
import { deliverOutbox } from '../../src/store/outbox.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { Crash, crashingFileSystem } from '../support/failing-fs.ts';
import { ackNames, ackOf, defaults, drop, v1 } from './promotions.ts';

const TERMINAL: readonly TerminalState[] = ['committed', 'rejected', 'refused', 'expired', 'superseded'];

/** What the model knows: how each promotion ended, the first time. */
interface Model {
  readonly ends: Map<string, TerminalState>;
  files: number;
}
type Command = fc.AsyncCommand<Model, TestContext>;

function command(name: string, run: (model: Model, ctx: TestContext) => Promise<void>): Command {
  return { check: () => true, run, toString: () => name };
}

async function learnEnds(model: Model, ctx: TestContext): Promise<void> {
  for (const p of await listPromotions(ctx.db)) {
    const known = model.ends.get(p.id);
    if (known !== undefined) expect(p.state).toBe(known);
    if (p.terminalAt !== null) model.ends.set(p.id, p.state as TerminalState);
  }
}

const ids = fc.constantFrom('a', 'b', 'c', 'd');
const dropIt = fc.tuple(ids, fc.integer({ min: 0, max: 80 })).map(([id, cache]) =>
  command(`drop ${id} cache=${cache}`, async (model, ctx) => {
    model.files += 1;
    drop(ctx, `${id}-${model.files}.json`, v1(id, { cache }));
  }),
);
const submitIt = ids.map((id) =>
  command(`submit ${id}`, async (_model, ctx) => {
    try {
      await submitPromotion(ctx, defaults(ctx), v1(id));
    } catch (error) {
      expect((error as KlorosError).code).toBe('KLR_E_PROMOTION_DUPLICATE');
    }
  }),
);
const scanIt = fc.constant(
  command('scan', async (model, ctx) => {
    await scanPromotions(ctx, defaults(ctx));
    await learnEnds(model, ctx);
  }),
);
const crashIt = fc.integer({ min: 1, max: 25 }).map((at) =>
  command(`crash at change ${at} of a scan`, async (model, ctx) => {
    try {
      await scanPromotions({ ...ctx, fs: crashingFileSystem(ctx.fs, at).fs }, defaults(ctx));
    } catch (error) {
      expect(error).toBeInstanceOf(Crash);
    }
    await learnEnds(model, ctx);
  }),
);
const settleIt = fc.tuple(ids, fc.constantFrom(...TERMINAL)).map(([id, state]) =>
  command(`settle ${id} as ${state}`, async (model, ctx) => {
    const before = await getPromotion(ctx.db, id);
    const settling = ctx.db.transaction((tx) => settle(tx, ctx, id, state, { reason: 'by the model' }));
    if (before === null) await expect(settling).rejects.toMatchObject({ code: 'KLR_E_NOT_FOUND' });
    else if (model.ends.has(id))
      await expect(settling).rejects.toMatchObject({ code: 'KLR_E_PROMOTION_SETTLED' });
    else {
      await settling;
      model.ends.set(id, state);
    }
  }),
);
const screenIt = ids.map((id) =>
  command(`screen ${id}`, async (_model, ctx) => {
    const before = await getPromotion(ctx.db, id);
    const screening = ctx.db.transaction((tx) => markScreened(tx, ctx, id, { gain: 0.1, screening: {} }));
    if (before?.state === 'received') await screening;
    else await expect(screening).rejects.toBeInstanceOf(KlorosError);
  }),
);
const expireIt = fc.constant(command('eight days', async (_model, ctx) => ctx.clock.advance(8 * 86_400_000)));

/** What has to hold once a healthy scan ran: database, ledger, counters and files tell the same story. */
async function checkStory(ctx: TestContext): Promise<void> {
  const all = await listPromotions(ctx.db);
  const ended = all.filter((p) => p.terminalAt !== null);
  for (const p of all) {
    const events = (await readEvents(ctx.db, { subject: p.id })).map((e) => e.kind.replace('promotion.', ''));
    const ends = events.filter((kind) => (TERMINAL as readonly string[]).includes(kind));
    expect(ends).toEqual(p.terminalAt === null ? [] : [p.state]);
    expect(TERMINAL.includes(p.state as TerminalState)).toBe(p.terminalAt !== null);
    const ack = ackOf(ctx, p.file);
    if (p.terminalAt === null) expect(ack).toBeNull();
    else expect(ack).toMatchObject({ promotion_id: p.id, accepted: p.state === 'committed' });
  }
  expect(ackNames(ctx)).toHaveLength(ended.length);
  const counted = (await readMetrics(ctx.db)).filter((m) =>
    TERMINAL.includes(m.labels.state as TerminalState),
  );
  expect(counted.reduce((sum, m) => sum + m.value, 0)).toBe(ended.length);
  expect(await verifyLedger(ctx.db)).toMatchObject({ ok: true });
  expect(await ctx.db.all('SELECT path FROM outbox')).toEqual([]);
}

test('a promotion has exactly one terminal record and ACK, in any order of drops, scans, crashes and decisions', async () => {
  const kinds = [dropIt, dropIt, submitIt, scanIt, scanIt, crashIt, settleIt, settleIt, screenIt, expireIt];
  const commands = fc.commands(kinds, { maxCommands: 40, size: 'max' });
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      const ctx = await testContext();
      try {
        const model: Model = { ends: new Map(), files: 0 };
        await fc.asyncModelRun(() => ({ model, real: ctx }), sequence);
        await deliverOutbox(ctx);
        await scanPromotions(ctx, defaults(ctx));
        await learnEnds(model, ctx);
        await checkStory(ctx);
      } finally {
        await ctx.cleanup();
      }
    }),
    { numRuns: 25, seed: Number(process.env.KLOROS_TEST_SEED ?? Date.now() % 2 ** 31) },
  );
});

test('a scan that is killed at each of its changes in turn is finished by the next, with the same answers', async () => {
  for (let at = 1, crashed = true; crashed; at++) {
    const ctx = await testContext();
    drop(ctx, 'good.json', v1('good'));
    drop(ctx, 'bad.json', v1('bad', { cache: 0 }));
    drop(ctx, 'torn.json', '{"schema":"v1"');
    const crashing = crashingFileSystem(ctx.fs, at);
    await scanPromotions({ ...ctx, fs: crashing.fs }, defaults(ctx)).catch((error) =>
      expect(error).toBeInstanceOf(Crash),
    );
    crashed = crashing.crashed();
    await deliverOutbox(ctx);
    await scanPromotions(ctx, defaults(ctx));
    await checkStory(ctx);
    expect((await listPromotions(ctx.db)).map((p) => [p.id, p.state])).toEqual([
      ['@torn', 'rejected'],
      ['bad', 'rejected'],
      ['good', 'received'],
    ]);
    expect(at).toBeLessThan(50);
    await ctx.cleanup();
  }
});
