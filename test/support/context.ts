import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { type Config, configSchema, type experimentSchema } from '../../src/config/schema.ts';
import type { Context } from '../../src/context.ts';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { homePaths } from '../../src/home/paths.ts';
import type { LogFields } from '../../src/log/structured.ts';
import { canonicalJson, sha256Hex } from '../../src/store/json.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import type { Clock } from '../../src/time/clock.ts';

export type ExperimentInput = z.input<typeof experimentSchema>;
export type ConfigInput = z.input<typeof configSchema>;

/** A clock that a test moves: `advance` moves both clocks, `step` the wall clock alone. */
export interface VirtualClock extends Clock {
  advance(ms: number): void;
  step(ms: number): void;
}

export function virtualClock(start = Date.UTC(2026, 5, 15, 12)): VirtualClock {
  let wall = start;
  let elapsed = 0;
  const advance = (ms: number) => {
    wall += ms;
    elapsed += ms;
  };
  return {
    now: () => wall,
    monotonic: () => elapsed,
    sleep: async (ms) => advance(ms),
    advance,
    step: (ms) => {
      wall += ms;
    },
  };
}

/** Uniform in [0, 1) from a seed (mulberry32), so that a failing test can be run again. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A small experiment with one parameter of each type. */
export function experimentConfig(overrides: Partial<ExperimentInput> = {}): ExperimentInput {
  return {
    parameters: {
      cache: { type: 'int', low: 1, high: 1024, log: true, default: 8 },
      ratio: { type: 'float', low: 0, high: 1, default: 0.5 },
      mode: { type: 'categorical', choices: ['slow', 'fast'], default: 'slow' },
      compress: { type: 'boolean', default: false },
    },
    evaluator: { command: ['true'] },
    objectives: [{ metric: 'throughput', direction: 'maximize' }],
    guardrails: [{ metric: 'p99', direction: 'minimize', max_regression: 0.1 }],
    domains: { read: {}, write: {} },
    ...overrides,
  };
}

export function parseConfig(input: Partial<ConfigInput> = {}): Config {
  return configSchema.parse({ version: 1, experiments: { demo: experimentConfig() }, ...input });
}

export interface TestContext extends Context {
  readonly clock: VirtualClock;
  /** What was logged, in order. */
  readonly logged: { name: string; fields: LogFields }[];
  /** Closes the database and removes the home. */
  cleanup(): Promise<void>;
}

/** A context over a real home in a temporary folder, with a real SQLite and a virtual clock. */
export async function testContext(
  options: { config?: Partial<ConfigInput>; now?: number; seed?: number } = {},
): Promise<TestContext> {
  const root = mkdtempSync(join(tmpdir(), 'kloros-test-'));
  const home = join(root, 'home');
  const paths = homePaths(home);
  for (const folder of [
    home,
    paths.locks,
    paths.intents,
    paths.promotions,
    paths.promotionAcks,
    paths.processedIntents,
    paths.signals,
    paths.baselineVersions,
    paths.phase,
    paths.scratch,
    paths.logs,
  ])
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  const config = parseConfig(options.config);
  const logged: TestContext['logged'] = [];
  const db = await openSqlite(paths.database);
  return {
    paths,
    configDir: root,
    config,
    configHash: sha256Hex(canonicalJson(config)),
    db,
    clock: virtualClock(options.now),
    fs: nodeFileSystem,
    log: { event: (name, fields = {}) => logged.push({ name, fields }) },
    logged,
    random: seededRandom(options.seed ?? 1),
    env: { PATH: process.env.PATH },
    cleanup: async () => {
      await db.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
