import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { resumeEpoch, runEpoch } from '../../src/phase/epoch.ts';
import { readReport } from '../../src/phase/read-report.ts';
import { showEpoch } from '../../src/phase/records.ts';
import { verifyLedger } from '../../src/store/ledger.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { control, FormulaExecutor, request, smallConfig } from './formula.ts';

const CHILD = fileURLToPath(new URL('epoch-child.ts', import.meta.url));

const trials = async (ctx: TestContext): Promise<number> =>
  Number((await ctx.db.get<{ n: number }>('SELECT COUNT(*) AS n FROM trials'))?.n ?? 0);

/** Starts an epoch in a process of its own and kills it with SIGKILL once so many trials are recorded. */
async function killAfter(ctx: TestContext, count: number): Promise<void> {
  const child = spawn(process.execPath, [CHILD, ctx.configDir, JSON.stringify(smallConfig())], {
    stdio: 'inherit',
  });
  const gone = once(child, 'exit');
  while ((await trials(ctx)) < count && child.exitCode === null) await wait(2);
  child.kill('SIGKILL');
  expect(await gone).toEqual([null, 'SIGKILL']);
}

test('an epoch whose process is killed goes on in another one, to the same verdicts', async () => {
  const whole = await testContext({ config: smallConfig() });
  const expected = await runEpoch(whole, new FormulaExecutor(whole.clock), control(), request());
  const total = await trials(whole);
  await whole.cleanup();
  for (const count of [1, 7, 20, 33, 50]) {
    const ctx = await testContext({ config: smallConfig() });
    await killAfter(ctx, count);
    const before = await trials(ctx);
    expect(before).toBeGreaterThanOrEqual(count);
    expect(await showEpoch(ctx.db, 'phase-1')).toMatchObject({ state: 'running' });
    const executor = new FormulaExecutor(ctx.clock);
    const resumed = await resumeEpoch(ctx, executor, control(), 'phase-1');
    expect(resumed).toMatchObject({
      state: 'done',
      verdicts: expected.state === 'done' && expected.verdicts,
    });
    expect(executor.asked.length).toBe(total - before);
    expect((await readReport(ctx, 'phase-1')).trials.total).toBe(total);
    expect((await verifyLedger(ctx.db)).ok).toBe(true);
    await ctx.cleanup();
  }
});
