import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readProcess } from '../../src/trial/proc.ts';
import type { TrialRequest } from '../../src/trial/types.ts';
import { type TestContext, testContext } from '../support/context.ts';

export const MIB = 2 ** 20;

/** A context whose folder of kloros.yaml is the root of the test. */
export async function withContext(work: (ctx: TestContext) => Promise<void>): Promise<void> {
  const ctx = await testContext();
  try {
    await work(ctx);
  } finally {
    await ctx.cleanup();
  }
}

export function trial(overrides: Partial<TrialRequest> = {}): TrialRequest {
  return {
    id: 'cycle-1-t0',
    experiment: 'demo',
    domain: 'read',
    domainArgs: { share: 0.9 },
    params: { cache: 64, ratio: 0.25, mode: 'fast', compress: true },
    seed: 4_000_000_000,
    evaluator: { command: ['true'], env: {} },
    limits: { timeout: 20_000, output: MIB, nice: 0 },
    required: ['throughput'],
    ...overrides,
  };
}

const command = (...words: string[]) => ({ evaluator: { command: words, env: {} } });
/** An evaluator in sh. `pids` in the folder of kloros.yaml is where it says who it started. */
export const sh = (script: string) => command('sh', '-c', script);
/** An evaluator in JavaScript. */
export const js = (script: string) => command(process.execPath, '-e', script);

/** The processes that evaluators wrote into the file `pids`. */
export function recordedPids(ctx: TestContext): number[] {
  const file = join(ctx.configDir, 'pids');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
}

/** Those of them that still run. */
export const alive = (pids: readonly number[]): number[] =>
  pids.filter((pid) => {
    const facts = readProcess(pid);
    return facts !== null && !facts.dead;
  });

/** Waits for real processes: until `condition` holds, or the test's own time is over. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}
