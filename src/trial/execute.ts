import { resolve } from 'node:path';
import type { Context } from '../context.ts';
import { markerOf, trialEnvironment } from './environment.ts';
import { startGroup } from './group.ts';
import { judge, refused } from './judge.ts';
import { followMetrics } from './metrics-file.ts';
import { moduleHostPath } from './module-host-path.ts';
import { outputTail } from './output.ts';
import { createScratch, removeScratch, type Scratch } from './scratch.ts';
import { createWake, supervise } from './supervise.ts';
import type { Executor, TrialRequest, TrialResult } from './types.ts';

type ExecuteContext = Pick<Context, 'paths' | 'configDir' | 'clock' | 'env' | 'fs'>;
type RunOptions = NonNullable<Parameters<Executor['run']>[1]>;

/** What is started: the command as configured, or a child of ours that imports the module. */
function commandOf(ctx: ExecuteContext, { evaluator }: TrialRequest): readonly string[] {
  if (evaluator.module === undefined) return evaluator.command ?? [];
  return [process.execPath, moduleHostPath(), resolve(ctx.configDir, evaluator.module)];
}

async function runIn(
  ctx: ExecuteContext,
  request: TrialRequest,
  scratch: Scratch,
  { signal, onStep }: RunOptions,
): Promise<TrialResult> {
  const startedAt = ctx.clock.now();
  const began = ctx.clock.monotonic();
  const { limits, required } = request;
  const output = outputTail();
  const wake = createWake();
  const metrics = followMetrics(ctx.fs, scratch.metricsFile, limits.output);
  const group = startGroup(commandOf(ctx, request), {
    cwd: ctx.configDir,
    env: trialEnvironment(request, scratch, ctx.env),
    marker: markerOf(scratch),
    nice: limits.nice,
    onOutput: (chunk) => {
      output.add(chunk);
      if (output.total > limits.output) wake.up();
    },
  });
  const { ending, peakMemory } = await supervise({ group, limits, output, metrics, signal, onStep, wake });
  return {
    ...judge(ending, metrics.lines, required),
    metrics: metrics.lines.metrics(),
    steps: metrics.lines.steps(),
    outputTail: output.text(),
    startedAt,
    durationMs: ctx.clock.monotonic() - began,
    ...(peakMemory > 0 && { peakMemory }),
  };
}

/**
 * Runs trials on this machine (design: section 8). Processes are bounded by real time whatever `ctx.clock` says; it
 * tells only when a trial started and how long it took.
 * @param slots trials that may be under way at once; the caller keeps to it
 * @throws from `run`: KLR_E_DISK_FULL, KLR_E_HOME_READ_ONLY when the scratch folder cannot be made
 */
export function localExecutor(ctx: ExecuteContext, slots: number): Executor {
  return {
    slots,
    async run(request, options = {}) {
      if (options.signal?.aborted) return refused('ended by KLoROS before it started', ctx.clock.now());
      const scratch = await createScratch(ctx, request);
      try {
        return await runIn(ctx, request, scratch, options);
      } finally {
        removeScratch(ctx.fs, scratch.folder);
      }
    },
  };
}
