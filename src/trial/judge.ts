import type { MetricsFile } from './metrics-file.ts';
import type { Ending } from './supervise.ts';
import type { TrialFailure, TrialResult } from './types.ts';

type Verdict =
  | { readonly state: 'completed' }
  | { readonly state: 'failed'; readonly failure: TrialFailure; readonly reason: string }
  | { readonly state: 'stopped'; readonly reason: string };

const failed = (failure: TrialFailure, reason: string): Verdict => ({ state: 'failed', failure, reason });

/** What the end of a trial means. Only an exit 0 with every required metric present and finite completes it. */
export function judge(
  ending: Ending,
  lines: Pick<MetricsFile['lines'], 'problem'>,
  required: readonly string[],
): Verdict {
  switch (ending.kind) {
    case 'stopped':
      return { state: 'stopped', reason: ending.reason };
    case 'limit':
      return failed(ending.failure, ending.reason);
    case 'spawn':
      return failed('spawn', ending.reason);
    case 'signal':
      return failed('signal', `was killed by ${ending.signal}`);
    case 'exit': {
      if (ending.code !== 0) return failed('exit', `exited with ${ending.code}`);
      const problem = lines.problem(required);
      return problem === null ? { state: 'completed' } : failed('metrics', problem);
    }
  }
}

/** A trial that was not started at all. */
export function refused(reason: string, startedAt: number): TrialResult {
  return { state: 'stopped', reason, metrics: {}, steps: [], outputTail: '', startedAt, durationMs: 0 };
}
