import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readBaseline } from '../../src/baseline/read.ts';
import { setKill } from '../../src/home/killswitch.ts';
import { closeContext } from '../../src/home/open.ts';
import type { Context } from '../../src/index.ts';
import { readEvents, readStatus, runTick, verifyLedger, why, writeMode } from '../../src/index.ts';
import { readMetrics } from '../../src/metrics/counters.ts';
import { takeBack } from '../../src/tick/take-back.ts';
import { type LoopHome, loopHome, quickExperiment } from '../support/loop.ts';

const GOOD = { cache: 256, mode: 'fast' };
const promotion = (id: string, changes: object) => ({
  schema: 'v2',
  id,
  timestamp: 1_790_000_000,
  experiment: 'demo',
  fitness: 0.9,
  changes,
});

let home: LoopHome;
let ctx: Context;

async function start(config: Parameters<typeof loopHome>[0] = {}): Promise<void> {
  home = await loopHome(config);
  ctx = await home.open();
}

/** Ticks until nothing is due, or `outcome` came; the outcomes in order. A watch's waiting time is really waited. */
async function ticks(until: string, most = 12): Promise<string[]> {
  const seen: string[] = [];
  for (let n = 0; n < most; n++) {
    const { outcome, next } = await runTick(ctx);
    seen.push(outcome);
    if (outcome === until) break;
    if (outcome === 'NOOP' && next.at !== null)
      await ctx.clock.sleep(Math.min(1000, next.at - ctx.clock.now()));
  }
  return seen;
}

/** What a reader of the folder sees; version 0 before the first commit. */
async function inForce(): Promise<{ version: number; params: Readonly<Record<string, object>> }> {
  return (await readBaseline(ctx.paths.baseline)) ?? { version: 0, params: {} };
}

afterEach(async () => {
  await closeContext(ctx);
  home.remove();
});

describe('a promotion from outside', () => {
  beforeEach(() => start());

  test('is measured, validated, committed, applied, watched and kept, and every record tells the same story', async () => {
    home.drop('promotions', 'better.json', promotion('better', GOOD));
    expect((await runTick(ctx)).outcome).toBe('DREAM_CYCLE');
    expect((await readStatus(ctx)).waiting.screened).toBeGreaterThan(0);
    const epoch = await runTick(ctx, { force: { kind: 'phase' } });
    expect(epoch, epoch.reason).toMatchObject({ outcome: 'PHASE_EPOCH', exit: 0 });
    const outcomes = await ticks('NOOP');
    expect(outcomes[0]).toBe('BASELINE_COMMIT');
    for (let n = 0; n < 8 && (await readStatus(ctx)).watch; n++) await ticks('WATCH_OK');
    // One version, whole, in the files and in the target.
    const current = await inForce();
    expect(current.version).toBe(1);
    const settings = JSON.parse(readFileSync(home.settings, 'utf8'));
    expect(settings).toMatchObject(current.params.demo ?? {});
    expect(settings.mode).toBe('fast');
    // Every promotion is answered, the report and its signals are there.
    const acks = readdirSync(ctx.paths.promotionAcks);
    expect(acks).toContain('better_ack.json');
    const signals = readdirSync(ctx.paths.signals).filter((name) => name.startsWith('klr_phase_complete_'));
    expect(signals).toHaveLength(2);
    expect(home.read('processed', 'epochs.jsonl').trim().split('\n')).toHaveLength(1);
    // The ledger, the counters and the files agree.
    const committed = await readEvents(ctx.db, { kind: 'baseline.committed' });
    expect(committed).toHaveLength(1);
    const commits = (await readMetrics(ctx.db)).find((m) => m.name === 'kloros_baseline_commits_total');
    expect(commits?.value).toBe(1);
    expect(await verifyLedger(ctx.db)).toMatchObject({ ok: true });
    const { links, value } = await why(ctx, 'mode');
    expect(value).toBe('fast');
    expect(links.map((l) => l.what)).toEqual(expect.arrayContaining(['version', 'epoch', 'promotion']));
    expect((await readStatus(ctx)).baseline).toMatchObject({ version: 1, applyState: 'applied' });
  });

  test('that is worse is rejected by the search with an ACK that says why, and never starts a second cycle (the first system searched each minute)', async () => {
    home.drop('promotions', 'worse.json', promotion('worse', { cache: 1, mode: 'slow' }));
    home.drop('intents', 'look.json', {
      intent_type: 'reflect',
      priority: 5,
      reason: 'test',
      data: {},
      generated_at: Date.now() / 1000,
      emitted_by: 'test',
    });
    expect((await runTick(ctx)).outcome).toBe('DREAM_CYCLE');
    const ack = JSON.parse(home.read('promotions_ack', 'worse_ack.json'));
    expect(ack).toMatchObject({ promotion_id: 'worse', accepted: false, schema: 'v1' });
    expect(ack.rejection_reason).not.toBe('');
    // The intents are not starved.
    expect((await runTick(ctx)).outcome).toBe('INTENT');
    expect((await runTick(ctx)).outcome).toBe('NOOP');
    expect(await readEvents(ctx.db, { kind: 'cycle.started' })).toHaveLength(1);
  });

  test('out of bounds is answered at once, and costs no cycle', async () => {
    home.drop('promotions', 'wild.json', promotion('wild', { cache: 1e9 }));
    expect(await runTick(ctx)).toMatchObject({ outcome: 'PROMOTION_REJECTED', exit: 0 });
    expect(JSON.parse(home.read('promotions_ack', 'wild_ack.json')).rejection_reason).toMatch(/cache/);
    expect(await readEvents(ctx.db, { kind: 'cycle.started' })).toEqual([]);
  });
});

describe('escrow', () => {
  test('an accepted change that a rule names waits for a person, and is committed once approved', async () => {
    await start({
      escrow: {
        rules: [{ when: 'changes.exists(c, c.name == "mode")', reason: 'the mode is a person’s call' }],
      },
    });
    home.drop('promotions', 'better.json', promotion('better', GOOD));
    await runTick(ctx);
    await runTick(ctx, { force: { kind: 'phase' } });
    const waits = await runTick(ctx);
    expect(waits, waits.reason).toMatchObject({ outcome: 'ESCROWED', exit: 0 });
    expect((await inForce()).version).toBe(0);
    expect((await runTick(ctx)).outcome).not.toBe('BASELINE_COMMIT');
    const { listEscrow, approve } = await import('../../src/index.ts');
    const [entry] = await listEscrow(ctx.db, { states: ['waiting'] });
    await approve(ctx, entry?.id ?? '', {
      reviewer: 'ana',
      reason: 'looks right',
      contentSha256: entry?.contentSha256,
    });
    expect((await runTick(ctx)).outcome).toBe('BASELINE_COMMIT');
    expect((await inForce()).version).toBe(1);
    const { links } = await why(ctx, 'mode');
    expect(links.find((l) => l.what === 'approval')?.words).toContain('ana');
  });
});

describe('harm', () => {
  test('a target that cannot take the baseline gets the old one back at once, as a new version, with exit code 7', async () => {
    await start({
      experiments: {
        demo: quickExperiment({
          apply: {
            file: 'settings.json',
            format: 'json',
            health: ['sh', '-c', '! grep -q fast settings.json'],
          },
        }),
      },
    });
    home.drop('promotions', 'better.json', promotion('better', GOOD));
    await runTick(ctx);
    await runTick(ctx, { force: { kind: 'phase' } });
    expect(await runTick(ctx)).toMatchObject({ outcome: 'ROLLED_BACK', exit: 7 });
    const current = await inForce();
    expect(current.version).toBe(2);
    expect(current.params.demo).toMatchObject({ mode: 'slow' });
    expect(readFileSync(home.settings, 'utf8')).toContain('slow');
  });

  test('a baseline whose health fails in the watch is taken back by the next ticks', async () => {
    await start({
      experiments: {
        demo: quickExperiment({
          watch: {
            duration: '60s',
            interval: '200ms',
            checks: 3,
            failures: 2,
            health: ['sh', '-c', '! grep -q fast settings.json'],
          },
        }),
      },
    });
    home.drop('promotions', 'better.json', promotion('better', GOOD));
    await runTick(ctx);
    await runTick(ctx, { force: { kind: 'phase' } });
    expect((await runTick(ctx)).outcome).toBe('BASELINE_COMMIT');
    expect(await ticks('ROLLED_BACK')).toContain('ROLLED_BACK');
    expect(await inForce()).toMatchObject({ version: 2 });
    expect(readFileSync(home.settings, 'utf8')).toContain('slow');
  });

  test('an emergency roll-back waits for nobody, and a second one goes further back only when told', async () => {
    await start();
    home.drop('promotions', 'better.json', promotion('better', GOOD));
    await runTick(ctx);
    await runTick(ctx, { force: { kind: 'phase' } });
    expect((await runTick(ctx)).outcome).toBe('BASELINE_COMMIT');
    const back = await takeBack(ctx, { actor: 'ana', reason: 'pager' });
    expect(back).toMatchObject({ version: 2, kind: 'rollback', restores: 0 });
    expect(readFileSync(home.settings, 'utf8')).toContain('slow');
    expect((await readStatus(ctx)).watch).toBeNull();
  });
});

describe('modes', () => {
  beforeEach(() => start());

  test('disabled writes nothing and exits 2; killed acts on nothing and exits 3', async () => {
    await writeMode(ctx, 'disabled', 'test');
    const before = (await readEvents(ctx.db)).length;
    expect(await runTick(ctx)).toMatchObject({ outcome: 'DISABLED', exit: 2 });
    expect(await readEvents(ctx.db)).toHaveLength(before);
    await writeMode(ctx, 'enabled', 'test');
    home.drop('promotions', 'better.json', promotion('better', GOOD));
    await setKill(ctx, 'smoke', 'test');
    expect(await runTick(ctx)).toMatchObject({ outcome: 'KILLED', exit: 3 });
    expect(await readEvents(ctx.db, { kind: 'cycle.started' })).toEqual([]);
  });

  test('observe says what it would do, and answers nobody', async () => {
    await writeMode(ctx, 'observe', 'test');
    home.drop('promotions', 'better.json', promotion('better', GOOD));
    home.drop('promotions', 'wild.json', promotion('wild', { cache: 1e9 }));
    const tick = await runTick(ctx);
    expect(tick).toMatchObject({ outcome: 'NOOP', exit: 0 });
    expect(tick.reason).toMatch(/^observing: would dream \(rule 8\)/);
    expect(readdirSync(ctx.paths.promotionAcks)).toEqual([]);
    expect(await readEvents(ctx.db, { kind: 'cycle.started' })).toEqual([]);
    await writeMode(ctx, 'enabled', 'test');
    expect((await runTick(ctx)).outcome).toBe('DREAM_CYCLE');
    expect(readdirSync(ctx.paths.promotionAcks)).toContain('wild_ack.json');
  });
});
