import { hostname } from 'node:os';
import type { FileSystem } from '../files/filesystem.ts';
import type { Holder } from './types.ts';

/** The id that the kernel drew when it booted; '' where there is none. */
export function bootId(fs: FileSystem): string {
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/**
 * State letter and start time (clock ticks since boot) of a process: fields 3 and 22 of /proc/<pid>/stat (proc(5)),
 * counted from the last parenthesis because a command may contain any character. Null when it cannot be seen.
 */
export function processStat(fs: FileSystem, pid: number): { state: string; startTime: number } | null {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: String(fields[0]), startTime: Number(fields[19]) };
  } catch {
    return null;
  }
}

/** Whether a process of this id exists. One that we may not signal (EPERM) exists. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code !== 'ESRCH';
  }
}

/**
 * Whether the process that wrote `holder` still runs: same boot, same process id, same start time, so that a process
 * id that was given to another process does not count. For display: the kernel alone decides who holds a lock.
 * What cannot be told (another machine) counts as alive.
 */
export function isAlive(
  holder: Pick<Holder, 'pid' | 'startTime' | 'bootId' | 'host'>,
  fs: FileSystem,
): boolean {
  if (holder.bootId !== bootId(fs)) return holder.host !== hostname();
  const stat = processStat(fs, holder.pid);
  if (!stat) return exists(holder.pid);
  return stat.startTime === holder.startTime && stat.state !== 'Z' && stat.state !== 'X';
}

/** Whether a holder is past its time to live at `now` (ms since the epoch). A clock that stepped back makes no one late. */
export function isOverdue(holder: Holder, now: number): boolean {
  return now - holder.acquiredAt > holder.ttlMs;
}
