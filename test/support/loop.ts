import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { Context } from '../../src/context.ts';
import { initHome } from '../../src/home/init.ts';
import { writeMode } from '../../src/home/mode.ts';
import { closeContext, openContext } from '../../src/home/open.ts';
import { type ConfigInput, type ExperimentInput, experimentConfig } from './context.ts';

const target = join(dirname(fileURLToPath(import.meta.url)), 'targets', 'cache.mjs');

export interface LoopHome {
  readonly root: string;
  readonly home: string;
  readonly configFile: string;
  /** The target's own settings file. */
  readonly settings: string;
  open(): Promise<Context>;
  /** A file of the home, as text. */
  read(...path: string[]): string;
  drop(folder: 'promotions' | 'intents', name: string, document: unknown): void;
  remove(): void;
}

/** A small, quick experiment on a real target process: a cycle takes a second or two. */
export function quickExperiment(over: Partial<ExperimentInput> = {}): ExperimentInput {
  return experimentConfig({
    evaluator: { module: target },
    limits: { timeout: '20s' },
    budget: { trials: 8, duration: '60s' },
    search: { seed: 3, screen: { top: 1, repeats: 2 }, winners: 1 },
    apply: { file: 'settings.json', format: 'json' },
    watch: { duration: '1s', interval: '500ms', checks: 1, failures: 2, tolerance: 0.3 },
    ...over,
  });
}

/** A real home with a real configuration file, on which real ticks run; enabled. */
export async function loopHome(config: Partial<ConfigInput> = {}): Promise<LoopHome> {
  const root = mkdtempSync(join(tmpdir(), 'kloros-loop-'));
  const home = join(root, 'home');
  const configFile = join(root, 'kloros.yaml');
  writeFileSync(
    configFile,
    stringify({
      version: 1,
      experiments: { demo: quickExperiment() },
      phase: { slices: 2, replicas: 3, warmup: 0, candidates: 2, max_duration: '120s', calibration: 0.1 },
      reflection: { idle: '1h' },
      retry: { attempts: 2, first_pause: '1s' },
      ...config,
    } satisfies ConfigInput),
  );
  await initHome({ home, configFile, actor: 'test' });
  const open = () => openContext({ home, env: { PATH: process.env.PATH } });
  const ctx = await open();
  await writeMode(ctx, 'enabled', 'test');
  await closeContext(ctx);
  return {
    root,
    home,
    configFile,
    settings: join(root, 'settings.json'),
    open,
    read: (...path) => readFileSync(join(home, ...path), 'utf8'),
    drop: (folder, name, document) => writeFileSync(join(home, folder, name), JSON.stringify(document)),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
