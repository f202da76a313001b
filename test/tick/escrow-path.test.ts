import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { currentBaseline } from '../../src/baseline/current.ts';
import { demotionsOf, lowerAutonomy, raiseAutonomy } from '../../src/escrow/autonomy.ts';
import { approve, openEntry } from '../../src/escrow/queue.ts';
import { writeMode } from '../../src/home/mode.ts';
import { moveState } from '../../src/promotion/records.ts';
import { scanPromotions } from '../../src/promotion/scan.ts';
import { runTick } from '../../src/tick/run-tick.ts';
import { commitWhole } from '../support/baseline.ts';
import { experimentConfig, type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
beforeEach(async () => {
  const demo = experimentConfig({
    parameters: {
      cache: { type: 'int', low: 1, high: 1024, log: true, default: 8 },
      ratio: { type: 'float', low: 0, high: 1, default: 0.5, max_step_week: 0.5 },
    },
    watch: { duration: '1s', interval: '1s', checks: 1, health: ['true'] },
  });
  ctx = await testContext({ config: { experiments: { demo }, reflection: { idle: '30d' } } });
  await writeMode(ctx, 'enabled', 'test');
});
afterEach(() => ctx.cleanup());

/** A promotion that an epoch accepted against the version in force, and a tick. */
async function accepted(id: string, changes: object, fields: object = {}) {
  const { version } = await currentBaseline(ctx.db, ctx.config);
  const document = { schema: 'v2', id, timestamp: 1, experiment: 'demo', fitness: 1, changes, ...fields };
  writeFileSync(join(ctx.paths.promotions, `${id}.json`), JSON.stringify(document));
  await scanPromotions(ctx, await currentBaseline(ctx.db, ctx.config));
  await ctx.db.run(
    `INSERT INTO epochs (id, date, zone, forced, state, plan, seed, baseline_version, started_at)
     VALUES (?, '2026-06-15', 'UTC', 1, 'done', '{}', 1, ?, 0)`,
    `epoch-${id}`,
    version,
  );
  await ctx.db.run(
    "INSERT INTO verdicts (epoch_id, promotion_id, verdict, reason, statistics, ts) VALUES (?, ?, 'accept', 'better', '{}', ?)",
    `epoch-${id}`,
    id,
    ctx.clock.now(),
  );
  await ctx.db.transaction(async (tx) => {
    await moveState(tx, ctx, id, 'screened', { reason: 'test' });
    await moveState(tx, ctx, id, 'accepted', { reason: 'test', validatedGain: 0.1 });
  });
  return runTick(ctx);
}
const frozen = async () => (await demotionsOf(ctx.db, 'demo')).get('cache')?.level;

test('a change that goes back and forth waits for a person and freezes its parameter, until it is raised', async () => {
  await commitWhole(ctx, { cache: 64 });
  const tick = await accepted('back', { cache: 8 }, { requested_by: 'ops' });
  expect(tick, tick.reason).toMatchObject({ outcome: 'ESCROWED' });
  expect(tick.reason).toContain('cache flaps: it would go back to what it was in v0');
  expect(await frozen()).toBe('frozen');
  const entry = await openEntry(ctx.db, 'back');
  expect(entry).toMatchObject({ state: 'waiting', requester: 'ops' });
  const ana = { reviewer: 'ana', reason: 'seen' };
  await expect(approve(ctx, entry?.id ?? '', ana)).rejects.toMatchObject({ code: 'KLR_E_ESCROW_FROZEN' });
  await raiseAutonomy(ctx, 'demo.cache', { actor: 'ana', reason: 'the load is seasonal' });
  await approve(ctx, entry?.id ?? '', ana);
  expect(await runTick(ctx)).toMatchObject({ outcome: 'BASELINE_COMMIT' });
  expect((await currentBaseline(ctx.db, ctx.config)).params.demo).toMatchObject({ cache: 8 });
});

test('a parameter that is frozen after its approval is not committed', async () => {
  await commitWhole(ctx, { cache: 64 });
  await accepted('back', { cache: 8 });
  await raiseAutonomy(ctx, 'demo.cache', { actor: 'ana', reason: 'understood' });
  const entry = await openEntry(ctx.db, 'back');
  await approve(ctx, entry?.id ?? '', { reviewer: 'ana', reason: 'seen' });
  const cause = { reason: 'again', version: 1, freeze: true };
  await ctx.db.transaction((tx) => lowerAutonomy(tx, ctx, 'demo', ['cache'], cause));
  expect((await runTick(ctx)).reason).toContain('KLR_E_ESCROW_FROZEN');
  expect((await currentBaseline(ctx.db, ctx.config)).version).toBe(1);
});

test('steps go alone until a week’s sum is beyond its limit', async () => {
  expect(await accepted('first', { ratio: 0.8 })).toMatchObject({ outcome: 'BASELINE_COMMIT' });
  ctx.clock.advance(2000);
  expect(await runTick(ctx)).toMatchObject({ outcome: 'WATCH_OK' });
  const tick = await accepted('second', { ratio: 1 });
  expect(tick, tick.reason).toMatchObject({ outcome: 'BASELINE_COMMIT' });
  ctx.clock.advance(2000);
  await runTick(ctx);
  const third = await accepted('third', { ratio: 0.9 });
  expect(third, third.reason).toMatchObject({ outcome: 'ESCROWED' });
  expect(third.reason).toContain('within a week, 60 % of its range, are beyond 50 %');
});
