import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { resumeCycle, runCycle } from '../../src/dream/cycle.ts';
import { showCycle } from '../../src/dream/records.ts';
import type { CycleResult } from '../../src/dream/types.ts';
import { localExecutor } from '../../src/trial/execute.ts';
import type { TestContext } from '../support/context.ts';
import { localDemo } from './cycle-child.ts';
import { control, demoRequest } from './formula-executor.ts';

const open: TestContext[] = [];
afterEach(async () => {
  for (const ctx of open.splice(0)) await ctx.cleanup();
});

async function demo(command?: string): Promise<TestContext> {
  const ctx = await localDemo(command);
  open.push(ctx);
  return ctx;
}

const asked = (ctx: TestContext) => demoRequest(ctx, { trials: 6, durationMs: 600_000 });

async function story(ctx: TestContext, result: CycleResult) {
  const { trials, state } = await showCycle(ctx.db, 'cycle-1');
  return { result, state, trials: trials.map(({ startedAt, durationMs, detail, ...trial }) => trial) };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('a cycle of real processes finds a gain, and another goes on to the same after two SIGKILLs', async () => {
  const whole = await demo();
  const told = await story(whole, await runCycle(whole, localExecutor(whole, 2), control(), asked(whole)));
  expect(told.result).toMatchObject({ state: 'done', summary: { failed: 0 } });
  expect(told.result.state === 'done' && told.result.winners[0]?.gain).toBeGreaterThan(0.1);

  const ctx = await demo();
  const recorded = async () => Number((await ctx.db.get('SELECT count(*) AS n FROM trials'))?.n);
  for (const [what, goal] of [['run-local', 5] as const, ['resume-local', 12] as const]) {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'cycle-child.ts'), ctx.paths.database, what],
      {
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...ctx.env, REQUEST: JSON.stringify(asked(ctx)) },
      },
    );
    const exit = once(child, 'exit');
    await until(async () => (await recorded()) >= goal || child.exitCode !== null);
    child.kill('SIGKILL');
    expect((await exit)[1]).toBe('SIGKILL');
  }
  const result = await resumeCycle(ctx, localExecutor(ctx, 2), control(), 'cycle-1');
  expect(await story(ctx, result)).toEqual(told);
});

test('an abort kills the process within its trial, and the trial is run again later', async () => {
  const ctx = await demo('echo $$ > "$PIDFILE"; exec sleep 600');
  const pidFile = join(ctx.configDir, 'pid');
  const aborting = new AbortController();
  const running = runCycle(ctx, localExecutor(ctx, 1), control({ abort: aborting.signal }), asked(ctx));
  await until(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8').endsWith('\n'));
  aborting.abort();
  expect(await running).toEqual({ state: 'paused', reason: 'shutdown' });
  expect(existsSync(`/proc/${readFileSync(pidFile, 'utf8').trim()}`)).toBe(false);
  expect((await showCycle(ctx.db, 'cycle-1')).trials).toEqual([]);
});
