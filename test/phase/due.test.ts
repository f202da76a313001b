import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { baselineCheckDue, phaseWindow } from '../../src/phase/due.ts';
import { syncEpochsLedger } from '../../src/phase/epochs-ledger.ts';
import { type TestContext, testContext } from '../support/context.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const open: TestContext[] = [];
afterEach(async () => {
  for (const ctx of open.splice(0)) await ctx.cleanup();
});

async function at(iso: string, phase: object = {}): Promise<TestContext> {
  const window = { start: '03:00', end: '07:00', zone: 'America/New_York' };
  const ctx = await testContext({ now: Date.parse(iso), config: { phase: { window, ...phase } } });
  open.push(ctx);
  return ctx;
}

async function epoch(
  ctx: TestContext,
  date: string,
  over: { forced?: number; state?: string; id?: string } = {},
) {
  await ctx.db.run(
    `INSERT INTO epochs (id, date, zone, forced, state, plan, seed, baseline_version, started_at, ended_at)
     VALUES (?, ?, 'America/New_York', ?, ?, '{}', 1, 0, ?, ?)`,
    over.id ?? `e-${date}`,
    date,
    over.forced ?? 0,
    over.state ?? 'done',
    ctx.clock.now(),
    ctx.clock.now(),
  );
}

describe('a date is used', () => {
  test('by an epoch that was started for it, however it ended; not by a forced one', async () => {
    const ctx = await at('2026-06-15T08:00Z');
    expect(await phaseWindow(ctx)).toMatchObject({ date: '2026-06-15', used: false });
    await epoch(ctx, '2026-06-15', { forced: 1, id: 'forced' });
    expect(await phaseWindow(ctx)).toMatchObject({ used: false });
    await epoch(ctx, '2026-06-15', { state: 'failed' });
    expect(await phaseWindow(ctx)).toMatchObject({ used: true });
  });

  test('by a line of the first system in epochs.jsonl, beside lines that are torn or foreign', async () => {
    const ctx = await at('2026-06-15T08:00Z');
    writeFileSync(
      ctx.paths.epochsLedger,
      '{"epoch_id":"phase_cycle_20260614_030501","date":"2026-06-14","ts":1781420701}\n',
    );
    expect(await phaseWindow(ctx)).toMatchObject({ date: '2026-06-15', used: false });
    appendFileSync(
      ctx.paths.epochsLedger,
      'not json\n[]\n{"epoch_id":"phase_cycle_20260615_030001","date":"2026-06-15","ts":1}\n{"epoch_id":"x","da',
    );
    expect(await phaseWindow(ctx)).toMatchObject({ date: '2026-06-15', used: true });
  });

  test('for good: a clock that steps back re-opens neither it nor one before it', async () => {
    const ctx = await at('2026-06-15T08:00Z');
    await epoch(ctx, '2026-06-15');
    for (const back of [1000, HOUR, DAY, 3 * DAY]) {
      ctx.clock.step(-back);
      const state = await phaseWindow(ctx);
      if (state.date !== null) expect(state.used).toBe(true);
      ctx.clock.step(back);
    }
    ctx.clock.step(DAY);
    expect(await phaseWindow(ctx)).toMatchObject({ date: '2026-06-16', used: false });
  });

  test('but a date of a clock that was years ahead blocks none of today’s', async () => {
    const ctx = await at('2026-06-15T08:00Z');
    await epoch(ctx, '2036-06-15');
    expect(await phaseWindow(ctx)).toMatchObject({ date: '2026-06-15', used: false });
    await epoch(ctx, '2026-06-15');
    expect(await phaseWindow(ctx)).toMatchObject({ used: true });
  });

  test('whatever the size of epochs.jsonl: its end is read', async () => {
    const ctx = await at('2026-06-15T08:00Z');
    const old = '{"epoch_id":"phase_cycle_20200101_030501","date":"2020-01-01","ts":1577865901}\n';
    writeFileSync(
      ctx.paths.epochsLedger,
      `${old.repeat(50_000)}{"epoch_id":"last","date":"2026-06-15","ts":1}\n`,
    );
    expect(await phaseWindow(ctx)).toMatchObject({ used: true });
  });
});

describe('epochs.jsonl', () => {
  test('gains a line for each epoch that ended for good, once, and keeps what stands there byte for byte', async () => {
    const ctx = await at('2026-06-15T08:00Z');
    const legacy = '{"epoch_id": "phase_cycle_1", "date": "2026-06-13", "ts": 5}\nnot json';
    writeFileSync(ctx.paths.epochsLedger, legacy);
    await epoch(ctx, '2026-06-14');
    await epoch(ctx, '2026-06-15', { state: 'voided' });
    await epoch(ctx, '2026-06-16', { state: 'running' });
    expect(await syncEpochsLedger(ctx)).toBe(2);
    expect(await syncEpochsLedger(ctx)).toBe(0);
    const text = readFileSync(ctx.paths.epochsLedger, 'utf8');
    expect(text.startsWith(`${legacy}\n`)).toBe(true);
    const lines = text
      .trim()
      .split('\n')
      .slice(2)
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      expect.objectContaining({
        epoch_id: 'e-2026-06-14',
        date: '2026-06-14',
        ts: Math.floor(ctx.clock.now() / 1000),
      }),
      expect.objectContaining({ epoch_id: 'e-2026-06-15', state: 'voided', zone: 'America/New_York' }),
    ]);
  });

  test('is not written when nothing ended', async () => {
    const ctx = await at('2026-06-15T08:00Z');
    expect(await syncEpochsLedger(ctx)).toBe(0);
    expect(ctx.fs.existsSync(ctx.paths.epochsLedger)).toBe(false);
  });
});

describe('a check of the baseline', () => {
  test('is due when none was asked for less, and never when it is not configured', async () => {
    const ctx = await at('2026-06-15T08:00Z');
    expect(await baselineCheckDue(ctx)).toBe(false);
    const weekly = await at('2026-06-15T08:00Z', { baseline_check: '7d' });
    expect(await baselineCheckDue(weekly)).toBe(true);
    await epoch(weekly, '2026-06-15');
    weekly.clock.advance(7 * DAY - 1);
    expect(await baselineCheckDue(weekly)).toBe(false);
    weekly.clock.advance(1);
    expect(await baselineCheckDue(weekly)).toBe(true);
  });
});
