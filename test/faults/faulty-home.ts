import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { verifyChain } from '../../src/baseline/chain.ts';
import { readBaseline } from '../../src/baseline/read.ts';
import { closeContext } from '../../src/home/open.ts';
import type { Context } from '../../src/index.ts';
import { verifyLedger } from '../../src/store/ledger.ts';
import { runTick } from '../../src/tick/run-tick.ts';
import type { TickResult } from '../../src/tick/types.ts';
import { environmentOf, listProcesses } from '../../src/trial/proc.ts';
import type { ConfigInput, ExperimentInput } from '../support/context.ts';
import { type LoopHome, loopHome, quickExperiment } from '../support/loop.ts';

const CLI = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const TICK = new URL('tick-child.ts', import.meta.url).pathname;

/**
 * A trial in a shell, so that it costs next to nothing: throughput by the parameters and, within one per cent, by the
 * seed. It says in `trials.log` that it began; from the trial on whose number stands in `hold` it does not end; beside a
 * file `broken` it fails, and beside a file `deadly` it kills the process that started it.
 */
const EVALUATOR = `
echo "$KLOROS_TRIAL" >> trials.log
if [ -e hold ] && [ "$(wc -l < trials.log)" -ge "$(cat hold)" ]; then sleep 300; fi
[ -e broken ] && exit 1
[ -e deadly ] && kill -9 $PPID
f=0; [ "$KLOROS_PARAM_MODE" = fast ] && f=4000
echo "{\\"throughput\\": $((10000 + KLOROS_PARAM_CACHE + f + KLOROS_SEED % 97)), \\"p99\\": $((1000 + KLOROS_SEED % 7))}" >> "$KLOROS_METRICS"`;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  /** What it printed up to now. */
  output(): string;
  readonly ended: Promise<Ended>;
}

/** A process of Node that is ended with the test at the latest. */
export function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Started {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const ended = new Promise<Ended>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
  );
  return { child, output: () => stdout, ended };
}

/** Waits for real processes, until the test's own time is over. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

export interface FaultyHome extends LoopHome {
  /** Trials that began. */
  begun(): number;
  /** From the `n`-th trial on (from 1, of all), trials do not end; null: all do. */
  hold(n: number | null): void;
  /** Starts a tick in a process of its own; `what`: 'phase' forces an epoch, 'onward' does when one is wanted. */
  startTick(what?: 'tick' | 'phase' | 'onward', env?: NodeJS.ProcessEnv): Started;
  /** A tick in a process of its own, to its end: what it says, or which signal ended it. */
  tick(
    what?: 'tick' | 'phase' | 'onward',
    env?: NodeJS.ProcessEnv,
  ): Promise<{ outcome: string; exit: number; reason: string; calls: number }>;
  /** A tick in this process, which costs less; 'phase' forces an epoch. */
  tickHere(what?: 'tick' | 'phase'): Promise<TickResult>;
  /** `kloros …` */
  startCli(...args: string[]): Started;
  cli(...args: string[]): Promise<Ended>;
  /** Evaluators of this home that run. */
  trialsRunning(): number[];
  save(): void;
  /** Puts back what `save` saw: the home and the files of the target. */
  restore(): void;
  look<T>(work: (ctx: Context) => Promise<T>): Promise<T>;
}

/** An experiment whose trials are shells, with `over` in it. */
export const shellExperiment = (over: Partial<ExperimentInput> = {}): ExperimentInput =>
  quickExperiment({
    evaluator: { command: ['/bin/sh', '-c', EVALUATOR] },
    limits: { timeout: '120s' },
    budget: { trials: 6, duration: '10m' },
    search: {
      seed: 3,
      sampler: 'evolution',
      early_stop: false,
      screen: { top: 1, repeats: 2 },
      winners: 1,
    },
    ...over,
  });

export async function faultyHome(
  experiment: Partial<ExperimentInput> = {},
  config: Partial<ConfigInput> = {},
): Promise<FaultyHome> {
  const home = await loopHome({
    experiments: { demo: shellExperiment(experiment) },
    governor: { concurrent_trials: 1, min_free_disk: '1MiB', trials_per_hour: 100_000 },
    phase: { slices: 1, replicas: 4, warmup: 0, candidates: 1, max_duration: '10m', calibration: 0 },
    ...config,
  });
  const file = (name: string) => join(home.root, name);
  const started: Started[] = [];
  const launch = (args: readonly string[], env?: NodeJS.ProcessEnv) => {
    const process_ = start(args, env);
    started.push(process_);
    return process_;
  };
  const trialsRunning = () =>
    listProcesses().filter((pid) =>
      environmentOf(pid).some((entry) => entry.startsWith(`KLOROS_SCRATCH=${home.home}`)),
    );
  const startTick: FaultyHome['startTick'] = (what = 'tick', env) => launch([TICK, home.home, what], env);
  const startCli: FaultyHome['startCli'] = (...args) => launch([CLI, '--home', home.home, ...args]);
  const look: FaultyHome['look'] = async (work) => {
    const ctx = await home.open();
    try {
      return await work(ctx);
    } finally {
      await closeContext(ctx);
    }
  };
  return {
    ...home,
    tickHere: (what) => look((ctx) => runTick(ctx, what === 'phase' ? { force: { kind: 'phase' } } : {})),
    begun: () =>
      existsSync(file('trials.log')) ? readFileSync(file('trials.log'), 'utf8').split('\n').length - 1 : 0,
    hold: (n) =>
      n === null ? rmSync(file('hold'), { force: true }) : writeFileSync(file('hold'), String(n)),
    startTick,
    tick: async (what, env) => {
      const ended = await startTick(what, env).ended;
      if (ended.signal !== null) return { outcome: ended.signal, exit: -1, reason: '', calls: 0 };
      expect(ended.stderr).toBe('');
      return JSON.parse(ended.stdout);
    },
    startCli,
    cli: (...args) => startCli(...args).ended,
    trialsRunning,
    save: () => cpSync(home.home, file('saved'), { recursive: true, preserveTimestamps: true }),
    restore: () => {
      rmSync(home.home, { recursive: true });
      for (const name of ['settings.json', 'trials.log', 'hold']) rmSync(file(name), { force: true });
      cpSync(file('saved'), home.home, { recursive: true, preserveTimestamps: true });
    },
    look,
    remove: () => {
      for (const { child } of started) child.kill('SIGKILL');
      for (const pid of trialsRunning())
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended meanwhile.
        }
      home.remove();
    },
  };
}

export const BETTER = {
  schema: 'v2',
  id: 'better',
  timestamp: 1_790_000_000,
  experiment: 'demo',
  fitness: 0.5,
  changes: { cache: 900, mode: 'fast' },
};

const TERMINAL = ['committed', 'rejected', 'refused', 'expired', 'superseded'];

/** What always holds once a loop has recovered (design: section 6), whatever happened before. */
export async function holds(home: FaultyHome): Promise<void> {
  expect(home.trialsRunning()).toEqual([]);
  await home.look(async (ctx) => {
    const { db, paths } = ctx;
    const count = async (sql: string) => (await db.get<{ n: number }>(`SELECT COUNT(*) AS n FROM ${sql}`))?.n;
    expect(await verifyLedger(db)).toMatchObject({ ok: true });
    expect(await verifyChain(ctx)).toMatchObject({ ok: true });
    for (const table of ['actions', 'cycles', 'epochs'])
      expect(await count(`${table} WHERE state = 'running'`)).toBe(0);
    expect(await count('outbox')).toBe(0);
    expect(readdirSync(paths.scratch)).toEqual([]);
    const files = readdirSync(paths.root, { recursive: true, encoding: 'utf8' });
    expect(files.filter((name) => name.includes('.kloros-tmp-'))).toEqual([]);
    // The files say what the database says.
    const top = await db.get<{ version: number; sha256: string; params: string; state: string }>(
      'SELECT version, sha256, params, apply_state AS state FROM baselines ORDER BY version DESC LIMIT 1',
    );
    expect((await readBaseline(paths.baseline))?.version ?? 0).toBe(top?.version ?? 0);
    if (top) {
      expect(top.state).toBe('applied');
      expect(JSON.parse(readFileSync(home.settings, 'utf8'))).toMatchObject(JSON.parse(top.params).demo);
    }
    // One terminal record each, and its ACK.
    const promotions = await db.all<{ id: string; file: string; ended: number | null }>(
      'SELECT id, file, terminal_at AS ended FROM promotions',
    );
    for (const { id, file, ended } of promotions) {
      const ends = await db.all(
        `SELECT kind FROM events WHERE subject = ? AND kind IN (${TERMINAL.map((s) => `'promotion.${s}'`).join(', ')})`,
        id,
      );
      expect(ends, id).toHaveLength(ended === null ? 0 : 1);
      const ack = join(paths.promotionAcks, file.replace('.json', '_ack.json'));
      expect(existsSync(ack), id).toBe(ended !== null);
      if (existsSync(ack)) expect(JSON.parse(readFileSync(ack, 'utf8')).promotion_id).toBe(id);
    }
  });
}

/** Counts and ledger tell the same story. */
export async function countsAgree(home: FaultyHome): Promise<void> {
  await home.look(async ({ db }) => {
    const value = async (sql: string) => (await db.get<{ n: number | null }>(sql))?.n ?? 0;
    const counter = (name: string, labels = '%') =>
      value(`SELECT SUM(value) AS n FROM metrics WHERE name = '${name}' AND labels LIKE '${labels}'`);
    expect(await counter('kloros_trials_total')).toBe(await value('SELECT COUNT(*) AS n FROM trials'));
    expect(await counter('kloros_baseline_commits_total')).toBe(
      await value('SELECT COUNT(*) AS n FROM baselines'),
    );
    for (const state of TERMINAL)
      expect(await counter('kloros_promotions_total', `{"state":"${state}"}`), state).toBe(
        await value(
          `SELECT COUNT(*) AS n FROM promotions WHERE terminal_at IS NOT NULL AND state = '${state}'`,
        ),
      );
    expect(await counter('kloros_ticks_total')).toBe(
      await value("SELECT COUNT(*) AS n FROM events WHERE kind = 'tick'"),
    );
  });
}

/** What a cycle measured and came to, without what differs between two runs: ids and times. */
export function cycleOf(home: FaultyHome): Promise<unknown> {
  return home.look(async ({ db }) => {
    const cycles = await db.all<{ id: string; state: string; result: string }>(
      'SELECT id, state, result FROM cycles',
    );
    const trials = await db.all<{ params: string; metrics: string }>(
      `SELECT number, role, subject, domain, params, seed, state, metrics FROM trials
       WHERE owner IN (SELECT id FROM cycles) ORDER BY number`,
    );
    const states = await db.all('SELECT changes, state, search_score FROM promotions ORDER BY changes');
    return { ended: cycles.map(({ state, result }) => [state, JSON.parse(result)]), trials, states };
  });
}

/** What an epoch measured and which verdicts it gave, without ids and times. */
export function epochOf(home: FaultyHome): Promise<unknown> {
  return home.look(async ({ db }) => {
    const trials = await db.all(
      // The order in a block is drawn from the ids of its candidates.
      `SELECT role, domain, params, seed, state, metrics FROM trials
       WHERE owner IN (SELECT id FROM epochs) ORDER BY domain, seed, role, params`,
    );
    const verdicts = await db.all<{ verdict: string; statistics: string }>(
      'SELECT verdict, statistics FROM verdicts ORDER BY promotion_id',
    );
    const states = await db.all<{ state: string }>('SELECT state FROM epochs');
    return {
      states,
      trials,
      verdicts: verdicts.map(({ verdict, statistics }) => {
        const { promotionId: _, ...numbers } = JSON.parse(statistics);
        return [verdict, numbers];
      }),
    };
  });
}
