import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { getPromotion, listPromotions } from '../../src/promotion/records.ts';
import { scanPromotions } from '../../src/promotion/scan.ts';
import { experimentConfig, type TestContext, testContext } from '../support/context.ts';
import { ackNames, ackOf, defaults, drop, v1 } from './promotions.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
});
afterEach(() => ctx.cleanup());

const scan = (context: TestContext = ctx) => scanPromotions(context, defaults(context));
const DAY = 86_400_000;

test('a sound promotion is received with its partial changes, hash and the version in force', async () => {
  drop(ctx, 'a.json', v1('exp:1', { cache: 64, ratio: 0.25 }));
  expect(await scan()).toEqual({ received: 1, rejected: 0, answered: 0, expired: 0, left: 0 });
  expect(await getPromotion(ctx.db, 'exp:1')).toMatchObject({
    file: 'a.json',
    schema: 'v1',
    source: 'external',
    experiment: 'demo',
    state: 'received',
    changes: { cache: 64, ratio: 0.25 },
    baselineVersion: 0,
    terminalAt: null,
  });
  expect(ackNames(ctx)).toEqual([]);
});

test('schema v2 takes any type, and keeps its experiment and version', async () => {
  const changes = { mode: 'fast', compress: true };
  drop(ctx, 'a.json', {
    ...v1('a', changes),
    schema: 'v2',
    experiment: 'demo',
    baseline_version: 0,
    trials: 9,
  });
  await scan();
  expect(await getPromotion(ctx.db, 'a')).toMatchObject({ schema: 'v2', changes, baselineVersion: 0 });
});

test('what the first system’s producers wrote is read as v0, and expires by its own ttl_seconds', async () => {
  const made = Math.floor(ctx.clock.now() / 1000);
  const v0 = (time: number, cache: number) => ({
    experiment: 'demo',
    updated_at: time,
    source: 'dream',
    winner: { fitness: -0.3, params: { cache }, metrics: { throughput: 1 } },
    apply_map: { cache: 'KLR_CACHE' },
    ttl_seconds: 604_800,
    promotion_id: `demo:${time}`,
  });
  drop(ctx, 'new.json', v0(made, 16));
  drop(ctx, 'old.json', v0(made - 604_801, 32));
  expect(await scan()).toMatchObject({ received: 1, expired: 1 });
  expect(await getPromotion(ctx.db, `demo:${made}`)).toMatchObject({ schema: 'v0', changes: { cache: 16 } });
  expect(ackOf(ctx, 'old.json')).toMatchObject({ promotion_id: `demo:${made - 604_801}`, accepted: false });
});

test('without an experiment, the one whose parameters match is meant; none or two is refused', async () => {
  await ctx.cleanup();
  const other = experimentConfig({
    parameters: {
      depth: { type: 'int', low: 1, high: 9, default: 1 },
      cache: { type: 'int', low: 1, high: 9, default: 1 },
    },
  });
  ctx = await testContext({ config: { experiments: { demo: experimentConfig(), other } } });
  drop(ctx, 'one.json', v1('one', { depth: 2 }));
  drop(ctx, 'two.json', v1('two', { cache: 2 }));
  drop(ctx, 'none.json', v1('none', { nowhere: 2 }));
  expect(await scan()).toMatchObject({ received: 1, rejected: 2 });
  expect(await getPromotion(ctx.db, 'one')).toMatchObject({ experiment: 'other' });
  expect(ackOf(ctx, 'two.json')?.rejection_reason).toMatch(
    /"demo", "other" each have the parameters "cache"/,
  );
  expect(ackOf(ctx, 'none.json')?.rejection_reason).toMatch(/no experiment has the parameters "nowhere"/);
});

test('a full configuration with a parameter that is off is received when it leaves it as it is', async () => {
  await ctx.cleanup();
  const parameters = experimentConfig().parameters;
  const frozen = { type: 'int', low: 1, high: 4, default: 1, autonomy: 'off' } as const;
  ctx = await testContext({
    config: { experiments: { demo: experimentConfig({ parameters: { ...parameters, frozen } }) } },
  });
  drop(ctx, 'a.json', v1('a', { cache: 64, frozen: 1 }));
  expect(await scan()).toMatchObject({ received: 1, rejected: 0 });
});

test('a second file with the id of an earlier one is refused, and the first goes on', async () => {
  drop(ctx, 'b.json', v1('same'));
  drop(ctx, 'c.json', v1('same', { cache: 99 }));
  expect(await scan()).toMatchObject({ received: 1, rejected: 1 });
  expect(ackOf(ctx, 'c.json')).toMatchObject({ promotion_id: '@c', accepted: false });
  expect(ackOf(ctx, 'c.json')?.rejection_reason).toMatch(/repeats the id same of b\.json/);
  expect(await getPromotion(ctx.db, 'same')).toMatchObject({ state: 'received', changes: { cache: 64 } });
});

test('a process without free descriptors refuses nothing: the file is read by the next scan', async () => {
  drop(ctx, 'a.json', v1('a'));
  const openSync: typeof ctx.fs.openSync = (path, ...rest) => {
    if (String(path).endsWith('a.json')) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' });
    return ctx.fs.openSync(path, ...rest);
  };
  const starved = { ...ctx, fs: { ...ctx.fs, openSync } };
  expect(await scan(starved)).toMatchObject({ received: 0, rejected: 0, left: 1 });
  expect(await scan()).toMatchObject({ received: 1, left: 0 });
});

test('a file that is still being written gets one second chance; a torn one is refused all the same', async () => {
  for (const name of ['late.json', 'torn.json']) {
    drop(ctx, name, '{"schema"');
    const now = ctx.clock.now() / 1000;
    utimesSync(join(ctx.paths.promotions, name), now, now);
  }
  const sleep = async (ms: number) => {
    ctx.clock.advance(ms);
    drop(ctx, 'late.json', v1('late'));
  };
  expect(await scan({ ...ctx, clock: { ...ctx.clock, sleep } })).toMatchObject({ received: 1, rejected: 1 });
  expect(ackNames(ctx)).toEqual(['torn_ack.json']);
});

test('when too many wait, files stay unread until there is room, and none is lost', async () => {
  await ctx.cleanup();
  ctx = await testContext({ config: { promotions: { max_waiting: 2 } } });
  for (const id of ['a', 'b', 'c']) drop(ctx, `${id}.json`, v1(id));
  expect(await scan()).toMatchObject({ received: 2, left: 1 });
  expect(await scan()).toMatchObject({ received: 0, left: 1 });
  await ctx.db.run("UPDATE promotions SET state = 'screened' WHERE id = 'a'");
  expect(await scan()).toMatchObject({ received: 1, left: 0 });
});

test('a promotion that waits longer than its ttl expires with an ACK, but not while it is being measured', async () => {
  drop(ctx, 'a.json', v1('a'));
  await scan();
  const cycle = (state: string) =>
    ctx.db.run(
      `INSERT INTO cycles (id, experiment, state, origin, sampler, seed, budget, request, config_hash, baseline_version, started_at)
       VALUES ('c', 'demo', ?, '{}', 'auto', 1, '{}', '{}', '', 0, 0) ON CONFLICT (id) DO UPDATE SET state = excluded.state`,
      state,
    );
  await cycle('paused');
  ctx.clock.advance(7 * DAY);
  expect(await scan()).toMatchObject({ expired: 0 });
  await cycle('failed');
  expect(await scan()).toMatchObject({ expired: 1 });
  expect(await scan()).toMatchObject({ expired: 0 });
  expect(await getPromotion(ctx.db, 'a')).toMatchObject({ state: 'expired', terminalAt: ctx.clock.now() });
  expect(ackOf(ctx, 'a.json')?.rejection_reason).toMatch(/longer than promotions\.ttl \(168 h\)/);
});

test('names that are hidden or no .json are none of its business, and a folder that is gone is empty', async () => {
  for (const name of ['.hidden.json', '.tmp-1', 'notes.txt', 'a.json.tmp']) drop(ctx, name, 'junk');
  expect(await scan()).toMatchObject({ received: 0, rejected: 0 });
  rmSync(ctx.paths.promotions, { recursive: true });
  expect(await scan()).toMatchObject({ received: 0, rejected: 0 });
});

test('a file that is rewritten in place after it was received changes nothing', async () => {
  drop(ctx, 'a.json', v1('a'));
  await scan();
  writeFileSync(join(ctx.paths.promotions, 'a.json'), JSON.stringify(v1('other', { cache: 1 })));
  drop(ctx, 'b.json', v1('b'));
  expect(await scan()).toMatchObject({ received: 1, rejected: 0 });
  expect((await listPromotions(ctx.db)).map((p) => [p.id, p.changes])).toEqual([
    ['a', { cache: 64 }],
    ['b', { cache: 64 }],
  ]);
});
