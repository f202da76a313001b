import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { currentBaseline } from '../../src/baseline/current.ts';
import type { Context } from '../../src/context.ts';
import { initHome } from '../../src/home/init.ts';
import { writeMode } from '../../src/home/mode.ts';
import { closeContext, openContext } from '../../src/home/open.ts';
import { runEpoch } from '../../src/phase/epoch.ts';
import { loadEpoch, type StoredEpoch } from '../../src/phase/epoch-store.ts';
import { readReport } from '../../src/phase/read-report.ts';
import { readVerdicts, showEpoch } from '../../src/phase/records.ts';
import { moveState } from '../../src/promotion/records.ts';
import { scanPromotions } from '../../src/promotion/scan.ts';
import { submitPromotion } from '../../src/promotion/submit.ts';
import { readEvents, verifyLedger } from '../../src/store/ledger.ts';
import { replay } from '../../src/tick/replay.ts';
import type { Executor } from '../../src/trial/types.ts';
import { type ConfigInput, testContext } from '../support/context.ts';
import { control } from './formula.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/sqlite/', import.meta.url));
const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const KILLS = 10;

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

/** The example's configuration, with a window that opened an hour ago. */
function openNow(root: string): ConfigInput {
  const config = parse(readFileSync(join(EXAMPLE, 'kloros.yaml'), 'utf8')) as ConfigInput;
  const clock = (ms: number) => new Date(Date.now() + ms).toISOString().slice(11, 16);
  const { sqlite } = config.experiments;
  if (!sqlite) throw new Error('the example has no experiment named sqlite');
  return {
    ...config,
    experiments: {
      sqlite: {
        ...sqlite,
        evaluator: { module: join(EXAMPLE, 'evaluate.ts') },
        // What comes after the verdict is not of this test: nothing is applied.
        apply: { file: join(root, 'settings.json'), format: 'json' },
      },
    },
    phase: {
      ...config.phase,
      window: { start: clock(-3_600_000), end: clock(3 * 3_600_000), zone: 'UTC' },
      max_duration: '30m',
    },
    // The processes die for no fault of the epoch.
    retry: { attempts: 1000, first_pause: '1s' },
  };
}

async function homeOf(): Promise<{ home: string; config: ConfigInput }> {
  const root = mkdtempSync(join(tmpdir(), 'kloros-sqlite-'));
  roots.push(root);
  const home = join(root, 'home');
  const config = openNow(root);
  const configFile = join(root, 'kloros.yaml');
  writeFileSync(configFile, stringify(config));
  await initHome({ home, configFile, actor: 'test' });
  return { home, config };
}

/** Gives the home two promotions that were screened: one that is far better, one that is far worse. */
async function fill(ctx: Context): Promise<void> {
  await writeMode(ctx, 'enabled', 'test');
  const changes = {
    better: { journal_mode: 'wal', synchronous: 'normal' },
    worse: { synchronous: 'extra', page_size: 32768, cache_size: 256 },
  };
  const baseline = await currentBaseline(ctx.db, ctx.config);
  for (const [id, values] of Object.entries(changes))
    await submitPromotion(ctx, baseline, {
      schema: 'v2',
      id,
      timestamp: 1,
      experiment: 'sqlite',
      fitness: 1,
      changes: values,
    });
  await scanPromotions(ctx, baseline);
  await ctx.db.transaction(async (tx) => {
    for (const id of Object.keys(changes)) await moveState(tx, ctx, id, 'screened', { reason: 'test' });
  });
}

const measured = async (ctx: Context): Promise<number> =>
  Number((await ctx.db.get<{ n: number }>('SELECT COUNT(*) AS n FROM trials'))?.n ?? 0);

/** A tick in a process of its own, ended as by `kill -9` once so many trials are recorded; whether it was. */
async function tick(ctx: Context, home: string, killAt: number): Promise<boolean> {
  const child = spawn(process.execPath, [CLI, '--home', home, 'tick'], { stdio: 'ignore' });
  const gone = once(child, 'exit');
  while (child.exitCode === null && (await measured(ctx)) < killAt) await wait(20);
  child.kill('SIGKILL');
  const [, signal] = await gone;
  return signal === 'SIGKILL';
}

/** Answers with what was measured, as the executor of an epoch that nobody disturbs. */
function recorded({ trials, id }: StoredEpoch): Executor {
  const byId = new Map(trials.map((trial) => [`${id}-t${trial.number}`.toLowerCase(), trial]));
  return {
    slots: 1,
    run: async (request) => {
      const trial = byId.get(request.id);
      if (!trial || trial.seed !== request.seed) throw new Error(`${request.id} was not measured`);
      const { metrics, startedAt, durationMs, outputTail } = trial;
      const facts = { metrics, startedAt, durationMs, outputTail, steps: [] };
      if (trial.state === 'completed') return { ...facts, state: 'completed' };
      return { ...facts, state: 'failed', failure: 'exit', reason: trial.reason ?? '' };
    },
  };
}

async function undisturbed(epoch: StoredEpoch, config: ConfigInput): Promise<unknown> {
  const ctx = await testContext({ config, now: epoch.startedAt });
  const result = await runEpoch(ctx, recorded(epoch), control(), epoch.plan.request);
  await ctx.cleanup();
  return result.state === 'done' ? result.verdicts : result;
}

test('an epoch of the SQLite example in its window, killed ten times, ends as one that was left alone', async () => {
  const { home, config } = await homeOf();
  const ctx = await openContext({ home, env: { PATH: process.env.PATH } });
  await fill(ctx);
  let kills = 0;
  while (kills < KILLS) if (await tick(ctx, home, 1 + 4 * kills)) kills += 1;
  const [running, ...others] = await ctx.db.all<{ id: string; state: string }>(
    'SELECT id, state FROM epochs',
  );
  expect(others).toEqual([]);
  expect(running?.state).toBe('running');
  const id = running?.id ?? '';
  // Between two ticks it may stand paused, as by the governor.
  const open = async () => ['running', 'paused'].includes((await showEpoch(ctx.db, id)).state);
  while (await open()) await tick(ctx, home, Number.POSITIVE_INFINITY);

  const epoch = await loadEpoch(ctx.db, id);
  expect(epoch).toMatchObject({ state: 'done', attempts: 1 });
  expect(epoch.plan.request.forced).toBe(false);
  expect(epoch.trials.map(({ number }) => number)).toEqual(epoch.trials.map((_, i) => i));

  // Signals, report and ledger agree: `readReport` checks the signals' hash against the report's and the ledger's.
  const report = await readReport(ctx, id);
  const verdicts = await readVerdicts(ctx.db, id);
  const given = await readEvents(ctx.db, { kind: 'verdict.given' });
  const [ended, ...more] = await readEvents(ctx.db, { kind: 'epoch.ended' });
  expect(more).toEqual([]);
  expect(ended?.data).toMatchObject({ state: 'done', trials: epoch.trials.length });
  expect((await showEpoch(ctx.db, id)).reportSha256).toBe(ended?.data.report_sha256);
  expect(report.trials.total).toBe(epoch.trials.length);
  const told = report.candidates.map((c) => [c.promotion_id, c.verdict, c.reason]).toSorted();
  expect(told).toEqual(verdicts.map((v) => [v.promotionId, v.verdict, v.reason]).toSorted());
  expect(told).toEqual(given.map(({ subject, data }) => [subject, data.verdict, data.reason]).toSorted());
  expect((await verifyLedger(ctx.db)).ok).toBe(true);

  // On the same measurements: an epoch that nobody killed, and one that is computed from the record alone.
  const statistics = new Map(
    verdicts.map((v) => {
      const { optimism: _, ...rest } = v.statistics as { optimism?: unknown };
      return [v.promotionId, rest];
    }),
  );
  const alone = JSON.parse(JSON.stringify(await undisturbed(epoch, config)));
  expect(alone).toEqual(epoch.plan.request.candidates.map((c) => statistics.get(c.promotionId)));
  expect(await replay(ctx, id)).toMatchObject({ same: true });
  process.stdout.write(
    `${kills} kills, ${epoch.trials.length} trials: ${verdicts.map((v) => `${v.promotionId} ${v.verdict} (${v.reason})`).join('; ')}\n`,
  );
  await closeContext(ctx);
});
