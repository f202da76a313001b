import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { setKill } from '../../src/home/killswitch.ts';
import { writeMode } from '../../src/home/mode.ts';
import { tryLock } from '../../src/lock/acquire.ts';
import { CATALOGUE, definitionOf } from '../../src/metrics/catalogue.ts';
import { addCounter, type Labels, setGauge } from '../../src/metrics/counters.ts';
import type { Database } from '../../src/store/database.ts';
import { setMeta } from '../../src/store/meta.ts';
import { readGauges } from '../../src/tick/gauges.ts';
import { allMetrics, metricsText } from '../../src/tick/metrics.ts';
import { runTick } from '../../src/tick/run-tick.ts';
import { track } from '../../src/tick/track.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
afterEach(() => ctx.cleanup());

const HOUR = 3_600_000;

async function value(name: string, labels: Labels = {}): Promise<number | undefined> {
  const found = (await allMetrics(ctx)).filter(
    (v) => v.name === name && Object.entries(labels).every(([key, text]) => v.labels[key] === text),
  );
  return found[0]?.value;
}

function promotion(id: string, state: string, updatedAt: number): Promise<number> {
  return ctx.db.run(
    `INSERT INTO promotions (id, file, sha256, schema, source, experiment, state, changes, document, detail, received_at,
     updated_at) VALUES (?, ?, '', 'v2', 'dream', 'demo', ?, '{}', '{}', '{}', ?, ?)`,
    id,
    `${id}.json`,
    state,
    updatedAt - HOUR,
    updatedAt,
  );
}

describe('what is computed when metrics are asked for', () => {
  test('is whole on a home where nothing has happened', async () => {
    ctx = await testContext();
    expect(await value('kloros_metrics_errors')).toBe(0);
    expect(await value('kloros_mode', { mode: 'disabled' })).toBe(1);
    expect(await value('kloros_mode', { mode: 'enabled' })).toBe(0);
    expect(await value('kloros_alive_timestamp_seconds')).toBe(0);
    expect(await value('kloros_baseline_version')).toBe(0);
    expect(await value('kloros_baseline_timestamp_seconds')).toBeUndefined();
    expect(await value('kloros_escrow_oldest_timestamp_seconds')).toBeUndefined();
    expect(await value('kloros_phase_last_epoch_timestamp_seconds')).toBe(0);
    expect(await value('kloros_disk_free_bytes')).toBeGreaterThan(0);
  });

  test('gives every name and label as the catalogue has them', async () => {
    ctx = await testContext();
    await promotion('a', 'screened', ctx.clock.now());
    for (const { name, labels } of await readGauges(ctx)) {
      const definition = definitionOf(name);
      expect(definition?.type, name).toBe('gauge');
      expect(Object.keys(labels).sort(), name).toEqual(Object.keys(definition?.labels ?? {}).sort());
    }
  });

  test('knows the switches', async () => {
    ctx = await testContext();
    await writeMode(ctx, 'observe', 'test');
    await setKill(ctx, 'a drill', 'test');
    expect(await value('kloros_mode', { mode: 'observe' })).toBe(1);
    expect(await value('kloros_kill_switch')).toBe(1);
  });

  test('counts the loop as alive at its last tick, and for as long as an action is under way', async () => {
    ctx = await testContext();
    await writeMode(ctx, 'enabled', 'test');
    await runTick(ctx);
    const ticked = ctx.clock.now() / 1000;
    ctx.clock.advance(2 * HOUR);
    expect(await value('kloros_alive_timestamp_seconds')).toBe(ticked);
    const attempt = await tryLock(ctx, 'orchestrator', { purpose: 'test', ttlMs: HOUR });
    if (!attempt.acquired) throw new Error('the lock is free');
    await track(ctx, { kind: 'dream', reason: 'test', token: attempt.lock.token }, async () => {
      const began = ctx.clock.now() / 1000;
      ctx.clock.advance(3 * HOUR);
      expect(await value('kloros_alive_timestamp_seconds')).toBe(ctx.clock.now() / 1000);
      expect(await value('kloros_action_running', { kind: 'dream' })).toBe(1);
      expect(await value('kloros_action_running', { kind: 'phase' })).toBe(0);
      expect(await value('kloros_action_started_timestamp_seconds')).toBe(began);
      expect(await value('kloros_action_deadline_timestamp_seconds')).toBe(began + 3600);
      attempt.lock.release();
      // What a dead process leaves: a row without the lock.
      expect(await value('kloros_alive_timestamp_seconds')).toBe(ticked);
      expect(await value('kloros_action_running', { kind: 'dream' })).toBe(0);
    });
  });

  test('says what waits, and since when', async () => {
    ctx = await testContext();
    const now = ctx.clock.now();
    await promotion('a', 'screened', now - 5 * HOUR);
    await promotion('b', 'screened', now - 2 * HOUR);
    await promotion('c', 'received', now);
    await promotion('d', 'rejected', now - 50 * HOUR);
    for (const [id, state, asked] of [
      ['1', 'waiting', now - HOUR],
      ['2', 'waiting', now - 3 * HOUR],
      ['3', 'used', 1],
    ] as const)
      await ctx.db.run(
        `INSERT INTO escrow (id, promotion_id, content_sha256, base_version, state, reasons, document, requested_at,
         expires_at) VALUES (?, ?, '', 0, ?, '[]', '{}', ?, ?)`,
        id,
        id,
        state,
        asked,
        asked + 4 * HOUR,
      );
    expect(await value('kloros_promotions_unacknowledged')).toBe(3);
    expect(await value('kloros_promotions_waiting', { state: 'screened' })).toBe(2);
    expect(await value('kloros_promotions_waiting', { state: 'escrowed' })).toBe(0);
    expect(await value('kloros_promotions_oldest_timestamp_seconds', { state: 'screened' })).toBe(
      (now - 5 * HOUR) / 1000,
    );
    expect(await value('kloros_promotions_oldest_timestamp_seconds', { state: 'escrowed' })).toBeUndefined();
    expect(await value('kloros_escrow_waiting')).toBe(2);
    expect(await value('kloros_escrow_oldest_timestamp_seconds')).toBe((now - 3 * HOUR) / 1000);
    expect(await value('kloros_escrow_next_expiry_timestamp_seconds')).toBe((now + HOUR) / 1000);
  });

  test('gives the false-positive rate of A/A measurements, and none before the first', async () => {
    ctx = await testContext();
    const experiment = 'demo';
    expect(await value('kloros_phase_false_positive_ratio')).toBeUndefined();
    await addCounter(ctx.db, 'kloros_phase_calibrations_total', { experiment }, 40);
    expect(await value('kloros_phase_false_positive_ratio', { experiment })).toBe(0);
    await addCounter(ctx.db, 'kloros_phase_false_positives_total', { experiment }, 3);
    expect(await value('kloros_phase_false_positive_ratio', { experiment })).toBe(0.075);
  });

  test('gives the optimism of the search as the mean of what was measured', async () => {
    ctx = await testContext();
    const insertEpoch = (id: string, state: string, at: number) =>
      ctx.db.run(
        `INSERT INTO epochs (id, date, zone, forced, state, plan, seed, baseline_version, started_at, ended_at)
         VALUES (?, ?, 'UTC', 1, ?, '{}', 1, 0, ?, ?)`,
        id,
        id,
        state,
        at,
        at,
      );
    await insertEpoch('e1', 'done', 1_000_000);
    await insertEpoch('e2', 'voided', 2_000_000);
    for (const [epoch, id, optimism] of [
      ['e1', 'a', 0.1],
      ['e1', 'b', 0.3],
      ['e1', 'c', null],
      ['e2', 'd', 9],
    ] as const)
      await ctx.db.run(
        `INSERT INTO verdicts (epoch_id, promotion_id, verdict, reason, statistics, ts) VALUES (?, ?, 'reject', '', ?, 1)`,
        epoch,
        id,
        JSON.stringify({ experiment: 'demo', optimism }),
      );
    expect(await value('kloros_phase_optimism_ratio', { experiment: 'demo' })).toBeCloseTo(0.2, 12);
    expect(await value('kloros_phase_last_epoch_timestamp_seconds')).toBe(1000);
  });

  test('counts the drill from when the home was made until the first one passed', async () => {
    ctx = await testContext();
    expect(await value('kloros_drill_last_success_timestamp_seconds')).toBeUndefined();
    await setMeta(ctx.db, 'created_at', '1000000');
    expect(await value('kloros_drill_last_success_timestamp_seconds')).toBe(1000);
    await setMeta(ctx.db, 'drilled_at', '2000000');
    expect(await value('kloros_drill_last_success_timestamp_seconds')).toBe(2000);
  });

  test('hides nothing else when one group cannot be read', async () => {
    ctx = await testContext();
    await ctx.db.run('ALTER TABLE escrow RENAME TO lost');
    expect(await value('kloros_metrics_errors')).toBe(1);
    expect(await value('kloros_mode', { mode: 'disabled' })).toBe(1);
    expect(await value('kloros_escrow_waiting')).toBeUndefined();
  });

  test('never reads the ledger through', async () => {
    ctx = await testContext();
    const asked: string[] = [];
    const noted = (sql: string) => {
      asked.push(sql);
      return sql;
    };
    const spy: Database = {
      ...ctx.db,
      all: (sql, ...params) => ctx.db.all(noted(sql), ...params),
      get: (sql, ...params) => ctx.db.get(noted(sql), ...params),
    };
    await metricsText({ ...ctx, db: spy }, 'text');
    expect(asked.length).toBeGreaterThan(10);
    for (const sql of asked) {
      const plan = await ctx.db.all<{ detail: string }>(
        `EXPLAIN QUERY PLAN ${sql}`,
        ...(sql.match(/\?/g) ?? []).map(() => ''),
      );
      expect(plan.map(({ detail }) => detail).join('; '), sql).not.toMatch(
        /SCAN (events|trials|promotions|intents)\b/,
      );
    }
  });

  test('exports what a tick keeps', async () => {
    ctx = await testContext();
    await writeMode(ctx, 'enabled', 'test');
    await runTick(ctx);
    await setGauge(ctx.db, 'kloros_phase_detectable_gain', { experiment: 'demo' }, 0.02);
    const text = await metricsText(ctx, 'text');
    expect(text).toContain('kloros_ticks_total{outcome="NOOP"} 1\n');
    expect(text).toContain('kloros_tick_duration_seconds_count 1\n');
    expect(text).toContain('kloros_phase_detectable_gain{experiment="demo"} 0.02\n');
    expect(Object.keys(CATALOGUE).filter((name) => text.includes(`# TYPE ${name} `)).length).toBeGreaterThan(
      45,
    );
  });
});

describe('the metrics file', () => {
  const config = { metrics: { textfile: 'out/kloros.prom' } };

  test('is written by each tick, readable for others, whole', async () => {
    ctx = await testContext({ config });
    const folder = join(ctx.configDir, 'out');
    mkdirSync(folder);
    await writeMode(ctx, 'enabled', 'test');
    await runTick(ctx);
    const file = join(folder, 'kloros.prom');
    expect(readFileSync(file, 'utf8')).toContain('kloros_ticks_total{outcome="NOOP"} 1\n');
    expect(statSync(file).mode & 0o777).toBe(0o644);
    await runTick(ctx);
    expect(readFileSync(file, 'utf8')).toContain('kloros_ticks_total{outcome="NOOP"} 2\n');
    expect(readdirSync(folder)).toEqual(['kloros.prom']);
  });

  test('is freed of what a crash left beside it', async () => {
    ctx = await testContext({ config });
    const folder = join(ctx.configDir, 'out');
    mkdirSync(folder);
    writeFileSync(join(folder, '.kloros-tmp-1-x'), 'half a');
    writeFileSync(join(folder, 'foreign.tmp'), 'somebody else’s');
    await writeMode(ctx, 'enabled', 'test');
    const lost =
      "INSERT INTO actions (id, kind, state, token, started_at, data) VALUES ('x', 'dream', 'running', 1, 1, '{}')";
    await ctx.db.run(lost);
    expect(await runTick(ctx)).toMatchObject({ outcome: 'RECOVERED' });
    expect(readdirSync(folder).sort()).toEqual(['foreign.tmp', 'kloros.prom']);
  });

  test('that cannot be written ends no tick, and is logged', async () => {
    ctx = await testContext({ config });
    writeFileSync(join(ctx.configDir, 'out'), 'a file in the way');
    await writeMode(ctx, 'enabled', 'test');
    expect(await runTick(ctx)).toMatchObject({ outcome: 'NOOP' });
    expect(ctx.logged.map(({ name }) => name)).toContain('metrics.textfile_failed');
  });
});
