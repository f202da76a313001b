import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config, Experiment } from '../config/schema.ts';
import type { Context } from '../context.ts';
import { createHome } from '../home/create.ts';
import { writeMode } from '../home/mode.ts';
import { homePaths } from '../home/paths.ts';
import type { Database } from '../store/database.ts';
import { openSqlite } from '../store/sqlite.ts';

/** A copy of a home in which nothing reaches the target. */
export interface Sandbox {
  readonly ctx: Context;
  /** Puts its clock forward. */
  pass(ms: number): void;
  dispose(): Promise<void>;
}

const HOUR_MS = 3_600_000;

/** What is under way in the home has no place in the drill; what was decided stays. */
const SETTLE = [
  'DELETE FROM promotions WHERE terminal_at IS NULL',
  'DELETE FROM verdicts WHERE carried_out_at IS NULL',
  "DELETE FROM escrow WHERE state IN ('waiting', 'approved')",
  "DELETE FROM intents WHERE state = 'waiting'",
  "UPDATE cycles SET state = 'cancelled' WHERE state IN ('running', 'paused')",
  "UPDATE epochs SET state = 'voided' WHERE state IN ('running', 'paused')",
  "UPDATE watches SET state = 'superseded' WHERE state = 'watching'",
  "UPDATE actions SET state = 'recovered' WHERE state = 'running'",
  "UPDATE baselines SET apply_state = 'none' WHERE apply_state = 'owed'",
  'DELETE FROM outbox',
  'DELETE FROM autonomy',
  // How long a real trial takes, and how often it failed, says nothing of the drill's.
  'DELETE FROM trials',
  "DELETE FROM meta WHERE key LIKE 'retry:%' OR key LIKE 'breaker%'",
];

/** An experiment with its own bounds, guardrails and rules, but without its evaluator, its target and its long budget. */
function harmless(experiment: Experiment): Experiment {
  const { apply: _, watch, search, ...rest } = experiment;
  const { health: __, http: ___, promql: ____, ...plainWatch } = watch;
  return {
    ...rest,
    evaluator: { command: ['false'], env: {} },
    budget: { trials: 4, duration: HOUR_MS },
    search: { ...search, sampler: 'random', points: [], screen: { ...search.screen, top: 1 } },
    watch: plainWatch,
  };
}

/** The rules of the home, in which nothing goes alone and nothing waits for the machine. */
function drillConfig(config: Config, name: string, experiment: Experiment, candidates: number): Config {
  const { notify: _, ...escrow } = config.escrow;
  return {
    ...config,
    experiments: { [name]: harmless(experiment) },
    escrow: {
      ...escrow,
      four_eyes: false,
      rules: [{ when: 'true', reason: 'in a drill nothing goes alone' }],
    },
    governor: { ...config.governor, trials_per_hour: Number.MAX_SAFE_INTEGER, min_free_disk: 0 },
    phase: {
      ...config.phase,
      candidates: Math.max(candidates, config.phase.candidates),
      max_duration: HOUR_MS,
    },
    promotions: { ...config.promotions, max_waiting: 1000 },
    metrics: {},
  };
}

async function copyDatabase(ctx: Context, home: string): Promise<Database> {
  ctx.fs.mkdirSync(home, { recursive: true, mode: 0o700 });
  const { database } = homePaths(home);
  await ctx.db.run('VACUUM INTO ?', database);
  await createHome(home, ctx.fs);
  const db = await openSqlite(database);
  await db.transaction(async (tx) => {
    for (const statement of SETTLE) await tx.run(statement);
  });
  return db;
}

/** Copies a home for a drill of one experiment; the home itself is read alone. */
export async function openSandbox(
  ctx: Context,
  name: string,
  experiment: Experiment,
  candidates: number,
): Promise<Sandbox> {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'kloros-drill-'));
  let later = 0;
  try {
    const home = join(root, 'home');
    const db = await copyDatabase(ctx, home);
    const sandboxed: Context = {
      ...ctx,
      paths: homePaths(home),
      configDir: root,
      config: drillConfig(ctx.config, name, experiment, candidates),
      db,
      clock: { ...ctx.clock, now: () => ctx.clock.now() + later },
      log: { event: () => {} },
      env: { PATH: ctx.env.PATH },
    };
    await writeMode(sandboxed, 'enabled', 'drill');
    return {
      ctx: sandboxed,
      pass: (ms) => {
        later += ms;
      },
      dispose: async () => {
        await db.close();
        rmSync(root, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(root, { recursive: true, force: true });
    throw error;
  }
}
