import { systemClock } from '../time/clock.ts';
import type { ProcessFacts } from './proc.ts';

/** Between two looks at whether the killed are gone, ms. */
const ROUND_MS = 10;
/** A process that the kernel holds (a dead disk) cannot be killed: it is not waited for any longer. */
const ROUNDS = 100;

/** Sends a signal to a process, or to a whole group when `pid` is negative. One that is gone is no error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone, or not ours to end.
  }
}

/**
 * Kills what `find` finds until it finds nothing, within about a second.
 * @returns how many different processes were killed
 */
export async function killAll(find: () => readonly ProcessFacts[]): Promise<number> {
  const killed = new Set<number>();
  for (let round = 0; round < ROUNDS; round++) {
    const left = find();
    if (left.length === 0) break;
    // All are held before any is killed: none can start another in answer to its child's end.
    for (const { pid } of left) sendSignal(pid, 'SIGSTOP');
    for (const { pid } of left) {
      sendSignal(pid, 'SIGKILL');
      killed.add(pid);
    }
    await systemClock.sleep(ROUND_MS);
  }
  return killed.size;
}
