import type { TrialLimits } from '../config/schema.ts';
import { systemClock } from '../time/clock.ts';
import type { Group, GroupExit } from './group.ts';
import type { MetricsFile } from './metrics-file.ts';
import type { OutputTail } from './output.ts';
import type { TrialFailure, TrialStep } from './types.ts';

/** Between two looks at a running trial, ms. */
const POLL_MS = 100;
/** Between SIGTERM and SIGKILL, ms. */
const GRACE_MS = 1000;
/** Between two looks at memory and CPU when neither is limited, ms. */
const RELAXED_MS = 1000;

/** How the supervision of a trial came to an end: by itself, over a limit, or stopped by KLoROS. */
export type Ending =
  | GroupExit
  | { readonly kind: 'limit'; readonly failure: TrialFailure; readonly reason: string }
  | { readonly kind: 'stopped'; readonly reason: string };

export interface Supervision {
  readonly group: Group;
  readonly limits: TrialLimits;
  readonly output: OutputTail;
  readonly metrics: MetricsFile;
  readonly signal: AbortSignal | undefined;
  readonly onStep: ((step: TrialStep) => 'go-on' | 'stop') | undefined;
  /** Wakes the supervision before its next look. */
  readonly wake: Wake;
}

/** A sleep that anybody may end. */
export interface Wake {
  readonly up: () => void;
  readonly sleep: (ms: number) => Promise<void>;
}

export function createWake(): Wake {
  let controller = new AbortController();
  return {
    up: () => controller.abort(),
    async sleep(ms) {
      await systemClock.sleep(ms, controller.signal);
      controller = new AbortController();
    },
  };
}

const limit = (failure: TrialFailure, reason: string): Ending => ({ kind: 'limit', failure, reason });
const seconds = (ms: number) => `${ms / 1000} s`;
const mebibytes = (bytes: number) => `${Math.round((bytes / 2 ** 20) * 10) / 10} MiB`;

/** More was printed or reported than allowed; null when not. */
function flood(of: Pick<Supervision, 'limits' | 'output' | 'metrics'>): Ending | null {
  const most = of.limits.output;
  if (of.output.total > most) return limit('output', `printed more than ${most} bytes`);
  return of.metrics.flooded ? limit('output', `reported more than ${most} bytes of metrics`) : null;
}

function judgeSteps({ metrics, onStep }: Supervision): Ending | null {
  for (const step of metrics.poll())
    if (onStep?.(step) === 'stop') return { kind: 'stopped', reason: `stopped early at step ${step.step}` };
  return null;
}

/** Looks at memory and CPU of the group, as often as the limits need it. */
function usageWatch({ group, limits }: Supervision): { check(): Ending | null; peak(): number } {
  const limited = limits.memory !== undefined || limits.cpu !== undefined;
  const memory = limits.memory ?? Number.POSITIVE_INFINITY;
  const cpu = limits.cpu ?? Number.POSITIVE_INFINITY;
  let next = 0;
  let peak = 0;
  return {
    check() {
      const now = systemClock.monotonic();
      if (now < next) return null;
      next = now + (limited ? POLL_MS : RELAXED_MS);
      const used = group.usage(memory);
      peak = Math.max(peak, used.memory);
      if (used.memory > memory)
        return limit('memory', `used ${mebibytes(used.memory)}, more than ${mebibytes(memory)}`);
      return used.cpuMs > cpu ? limit('cpu', `used more than ${seconds(cpu)} of CPU time`) : null;
    },
    peak: () => peak,
  };
}

/** Resolves when the trial ended by itself, or is to be ended. */
async function watch(of: Supervision, usage: ReturnType<typeof usageWatch>): Promise<Ending> {
  // The kernel's time, whatever clock the rest is told: what is bounded here is a real process.
  const deadline = systemClock.monotonic() + of.limits.timeout;
  let exit: GroupExit | undefined;
  of.group.exited.then((how) => {
    exit = how;
    of.wake.up();
  });
  for (;;) {
    const left = deadline - systemClock.monotonic();
    await of.wake.sleep(Math.max(0, Math.min(POLL_MS, left)));
    if (of.signal?.aborted) return exit ?? { kind: 'stopped', reason: 'ended by KLoROS' };
    const ending =
      flood(of) ??
      exit ??
      (systemClock.monotonic() >= deadline
        ? limit('timeout', `did not end within ${seconds(of.limits.timeout)}`)
        : null) ??
      judgeSteps(of) ??
      usage.check();
    if (ending) return ending;
  }
}

/** Resolves when the leader is gone, or did not go within the grace that it was given. */
async function end(of: Supervision, ending: Ending): Promise<void> {
  if (ending.kind !== 'limit' && ending.kind !== 'stopped') return;
  of.group.terminate();
  await Promise.race([of.group.exited, systemClock.sleep(GRACE_MS)]);
}

/**
 * Lets a trial run within its limits, and leaves nothing of it alive: over a limit, or when it is stopped, the group is
 * sent SIGTERM, a second later SIGKILL; what outlives its leader is killed at once. Metrics that are written after the
 * end was decided do not count.
 */
export async function supervise(of: Supervision): Promise<{ ending: Ending; peakMemory: number }> {
  const { group, metrics, signal, wake } = of;
  const usage = usageWatch(of);
  let ending: Ending;
  signal?.addEventListener('abort', wake.up, { once: true });
  try {
    ending = await watch(of, usage);
    await end(of, ending);
  } finally {
    signal?.removeEventListener('abort', wake.up);
    await group.clear();
  }
  if (ending.kind === 'exit') metrics.end();
  return { ending: ending.kind === 'exit' ? (flood(of) ?? ending) : ending, peakMemory: usage.peak() };
}
