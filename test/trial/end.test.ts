import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { localExecutor } from '../../src/trial/execute.ts';
import { sweepScratch } from '../../src/trial/scratch.ts';
import type { TestContext } from '../support/context.ts';
import { alive, recordedPids, sh, trial, until, withContext } from './support.ts';

/** Three processes: one polite, one that ignores SIGTERM, one that left the group. */
const STUBBORN = `
  sleep 60 & echo $! >> pids
  (trap '' TERM; sleep 60 & echo $! >> pids; wait; sleep 60) & echo $! >> pids
  setsid sh -c 'trap "" TERM; echo $$ >> pids; sleep 60; sleep 60' &
  wait; wait; sleep 60`;

test('when it is told to end, the whole trial is dead and its result is no evidence', () =>
  withContext(async (ctx) => {
    const abort = new AbortController();
    const running = localExecutor(ctx, 1).run(trial(sh(STUBBORN)), { signal: abort.signal });
    await until(() => recordedPids(ctx).length === 4);
    abort.abort();
    expect(await running).toMatchObject({ state: 'stopped', reason: 'ended by KLoROS' });
    expect(alive(recordedPids(ctx))).toEqual([]);
    expect(readdirSync(ctx.paths.scratch)).toEqual([]);
  }));

test('nothing is started after the end was told', () =>
  withContext(async (ctx) => {
    const result = await localExecutor(ctx, 1).run(trial(sh('echo $$ >> pids')), {
      signal: AbortSignal.abort(),
    });
    expect(result.state).toBe('stopped');
    expect(recordedPids(ctx)).toEqual([]);
  }));

/** A process of its own that runs STUBBORN in the home of the test. */
function startElsewhere(ctx: TestContext): ChildProcess {
  const source = (path: string) =>
    JSON.stringify(fileURLToPath(new URL(`../../src/${path}`, import.meta.url)));
  const script = `
    import fs from 'node:fs';
    const { localExecutor } = await import(${source('trial/execute.ts')});
    const { homePaths } = await import(${source('home/paths.ts')});
    const { systemClock } = await import(${source('time/clock.ts')});
    const ctx = { paths: homePaths(${JSON.stringify(ctx.paths.root)}), configDir: ${JSON.stringify(ctx.configDir)},
      clock: systemClock, env: process.env, fs };
    await localExecutor(ctx, 1).run(${JSON.stringify(trial(sh(STUBBORN)))});`;
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
}

test('a trial of a process that was killed is ended and swept; one whose process is alive is left alone', () =>
  withContext(async (ctx) => {
    const other = startElsewhere(ctx);
    await until(() => recordedPids(ctx).length === 4);
    expect(await sweepScratch(ctx)).toEqual({ removed: 0, killed: 0 });
    const pids = recordedPids(ctx);
    expect(alive(pids)).toEqual(pids);

    const gone = new Promise((resolve) => other.once('exit', resolve));
    other.kill('SIGKILL');
    await gone;
    expect(alive(pids)).toEqual(pids);
    const swept = await sweepScratch(ctx);
    expect(swept.removed).toBe(1);
    expect(swept.killed).toBeGreaterThanOrEqual(4);
    expect(alive(pids)).toEqual([]);
    expect(readdirSync(ctx.paths.scratch)).toEqual([]);
  }));

test('a trial that is run again under its id ends what a dead run of it left', () =>
  withContext(async (ctx) => {
    const other = startElsewhere(ctx);
    await until(() => recordedPids(ctx).length === 4);
    const gone = new Promise((resolve) => other.once('exit', resolve));
    other.kill('SIGKILL');
    await gone;
    const again = await localExecutor(ctx, 1).run(trial(sh(`echo '{"throughput": 1}' >> $KLOROS_METRICS`)));
    expect(again.state).toBe('completed');
    expect(alive(recordedPids(ctx))).toEqual([]);
  }));

test('a scratch folder is removed whatever stands in it, and nothing outside of it', () =>
  withContext(async (ctx) => {
    writeFileSync(join(ctx.configDir, 'mine'), '');
    mkdirSync(join(ctx.configDir, 'theirs'));
    const script = `cd $KLOROS_SCRATCH; mkdir -p deep/er; touch deep/er/f; mkfifo fifo; ln -s ${ctx.configDir} link;
      ln -s /nowhere dangling; chmod 500 deep/er deep; echo '{"throughput": 1}' >> $KLOROS_METRICS`;
    expect(await localExecutor(ctx, 1).run(trial(sh(script)))).toMatchObject({ state: 'completed' });
    expect(readdirSync(ctx.paths.scratch)).toEqual([]);
    expect(existsSync(join(ctx.configDir, 'mine'))).toBe(true);

    // What somebody else put there goes as well, but never through a link.
    writeFileSync(join(ctx.paths.scratch, 'file'), '');
    symlinkSync(join(ctx.configDir, 'theirs'), join(ctx.paths.scratch, 'link'));
    expect((await sweepScratch(ctx)).removed).toBe(2);
    expect(existsSync(join(ctx.configDir, 'theirs'))).toBe(true);
  }));

test('a full disk is reported as such, not as a failure of the configuration', () =>
  withContext(async (ctx) => {
    const full = () => {
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    };
    const executor = localExecutor({ ...ctx, fs: { ...ctx.fs, mkdirSync: full } }, 1);
    await expect(executor.run(trial())).rejects.toMatchObject({ code: 'KLR_E_DISK_FULL' });
  }));
