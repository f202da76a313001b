import { afterEach, expect, test } from 'vitest';
import { resumeEpoch, runEpoch } from '../../src/phase/epoch.ts';
import { syncEpochsLedger } from '../../src/phase/epochs-ledger.ts';
import { readReport } from '../../src/phase/read-report.ts';
import { showEpoch } from '../../src/phase/records.ts';
import type { EpochResult } from '../../src/phase/types.ts';
import { readEvents } from '../../src/store/ledger.ts';
import { deliverOutbox } from '../../src/store/outbox.ts';
import { experimentConfig, type TestContext, testContext } from '../support/context.ts';
import { BASE, control, FormulaExecutor, request, usual } from './formula.ts';

const open: TestContext[] = [];
afterEach(async () => {
  for (const ctx of open.splice(0)) await ctx.cleanup();
});

const candidates = [
  { promotionId: 'good', experiment: 'demo', params: { ...BASE, mode: 'fast' }, searchScore: 2.5 },
  { promotionId: 'bad', experiment: 'demo', params: { ...BASE, ratio: 0.9 }, searchScore: 0.5 },
  { promotionId: 'close', experiment: 'demo', params: { ...BASE, cache: 9 }, searchScore: 0.1 },
];

async function fresh(): Promise<TestContext> {
  const ctx = await testContext({
    config: {
      experiments: { demo: experimentConfig({ domains: { read: {} } }) },
      phase: { slices: 2, replicas: 3, window: { start: '10:00', end: '14:00', zone: 'UTC' } },
    },
  });
  open.push(ctx);
  await ctx.db.run('PRAGMA synchronous = OFF');
  return ctx;
}

function executor(ctx: TestContext): FormulaExecutor {
  return new FormulaExecutor(ctx.clock, (r, noise) => {
    const metrics = usual(r, noise);
    if (r.params.ratio === 0.9) return { ...metrics, throughput: (metrics.throughput ?? 0) / 3 };
    return r.params.cache === 9 ? { ...metrics, throughput: (metrics.throughput ?? 0) * 1.05 } : metrics;
  });
}

function verdicts(result: EpochResult): unknown {
  if (result.state !== 'done') throw new Error(`${result.state}: ${result.reason}`);
  return result.verdicts;
}

class Died extends Error {}

test('killed at any trial, it goes on from the last finished one to the verdicts of one that was not', async () => {
  const whole = await fresh();
  const undisturbed = executor(whole);
  const expected = verdicts(await runEpoch(whole, undisturbed, control(), request({ candidates })));
  const total = undisturbed.asked.length;
  expect(total).toBeGreaterThan(30);
  for (let boundary = 0; boundary < total; boundary++) {
    const ctx = await fresh();
    const first = executor(ctx);
    // The process dies while a trial runs: nothing after it is written.
    first.before = () => {
      if (first.asked.length === boundary) throw new Died();
    };
    await expect(runEpoch(ctx, first, control(), request({ candidates }))).rejects.toThrow(Died);
    expect(await showEpoch(ctx.db, 'phase-1')).toMatchObject({ state: 'running' });
    const second = executor(ctx);
    const resumed = await resumeEpoch(ctx, second, control(), 'phase-1');
    expect(verdicts(resumed)).toEqual(expected);
    expect(second.asked.length).toBe(total - boundary);
    expect((await readReport(ctx, 'phase-1')).trials.total).toBe(total);
    await open.pop()?.cleanup();
  }
});

test('paused again and again, each run adds one trial, and none is measured twice', async () => {
  const ctx = await fresh();
  const asked: number[] = [];
  let result: EpochResult = { state: 'paused', reason: '' };
  for (let run = 0; result.state === 'paused'; run++) {
    const watch = control();
    const one = executor(ctx);
    one.before = () => {
      watch.reason = 'mode';
    };
    result =
      run === 0
        ? await runEpoch(ctx, one, watch, request({ candidates }))
        : await resumeEpoch(ctx, one, watch, 'phase-1');
    asked.push(...one.asked.map((r) => Number(r.id.slice('phase-1-t'.length))));
  }
  expect(result.state).toBe('done');
  expect(asked).toEqual(asked.map((_, i) => i));
});

test('killed after its end was decided and before a file was written: the files are owed, and written alike', async () => {
  const ctx = await fresh();
  let died = false;
  // The first rename of the report fails for good, as if the process died there.
  const broken: TestContext = {
    ...ctx,
    fs: {
      ...ctx.fs,
      renameSync: () => {
        died = true;
        throw new Died();
      },
    },
  };
  await expect(runEpoch(broken, executor(ctx), control(), request({ candidates }))).rejects.toThrow(Died);
  expect(died).toBe(true);
  expect(await showEpoch(ctx.db, 'phase-1')).toMatchObject({ state: 'done' });
  await deliverOutbox(ctx);
  expect(await syncEpochsLedger(ctx)).toBe(1);
  const again = await resumeEpoch(ctx, executor(ctx), control(), 'phase-1');
  const report = await readReport(ctx, 'phase-1');
  expect(report.candidates.map((c) => [c.promotion_id, c.verdict]).toSorted()).toEqual(
    (verdicts(again) as { promotionId: string; verdict: string }[])
      .map((v) => [v.promotionId, v.verdict])
      .toSorted(),
  );
});

test('one that ended gives its end again, and measures nothing', async () => {
  const ctx = await fresh();
  const first = await runEpoch(ctx, executor(ctx), control(), request({ candidates }));
  const idle = executor(ctx);
  const again = await resumeEpoch(ctx, idle, control(), 'phase-1');
  expect(again).toMatchObject({
    state: 'done',
    reportSha256: first.state === 'done' ? first.reportSha256 : '',
  });
  expect(idle.asked).toEqual([]);
  expect((await readEvents(ctx.db, { kind: 'epoch.ended' })).length).toBe(1);
});

test('a forced one that was paused over its end has the rest of its budget, not of the clock', async () => {
  const ctx = await fresh();
  const watch = control();
  const one = executor(ctx);
  one.before = () => {
    if (one.asked.length === 5) watch.reason = 'watch-due';
  };
  const forced = request({ candidates, forced: true, endsAt: ctx.clock.now() + 3_600_000 });
  expect((await runEpoch(ctx, one, watch, forced)).state).toBe('paused');
  ctx.clock.advance(86_400_000);
  expect((await resumeEpoch(ctx, executor(ctx), control(), 'phase-1')).state).toBe('done');
});

test('a process that was outrun writes no more', async () => {
  const ctx = await fresh();
  const slow = executor(ctx);
  slow.before = () => {};
  const run = slow.run.bind(slow);
  let other: EpochResult | null = null;
  slow.run = async (r, options) => {
    if (slow.asked.length === 6) other = await resumeEpoch(ctx, executor(ctx), control(), 'phase-1');
    return run(r, options);
  };
  await expect(runEpoch(ctx, slow, control(), request({ candidates }))).rejects.toMatchObject({
    code: 'KLR_E_FENCED',
  });
  expect(other).toMatchObject({ state: 'done' });
  expect((await readEvents(ctx.db, { kind: 'epoch.ended' })).length).toBe(1);
});

test('an unknown epoch is not resumed', async () => {
  const ctx = await fresh();
  await expect(resumeEpoch(ctx, executor(ctx), control(), 'none')).rejects.toMatchObject({
    code: 'KLR_E_NOT_FOUND',
  });
});
