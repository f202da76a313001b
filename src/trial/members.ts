import { listProcesses, type ProcessFacts, readProcess, startedWith } from './proc.ts';

/** Finds the processes of one trial that are alive, wherever they went. */
export interface Members {
  /** Looks again. One look reads /proc once, and only what is younger than the trial. */
  find(): ProcessFacts[];
}

/**
 * Watches the processes of a trial. A process belongs to it when it is in the group or session of `leader`, is the
 * child of one that belongs to it, was seen to belong to it before (a daemon loses its parent and its session), or was
 * started with `marker` in its environment (one that left before anybody looked).
 * @param leader pid of the process that leads the group; call while it is not reaped
 * @param marker NAME=value, of this trial alone
 */
export function watchMembers(leader: number, marker: string): Members {
  const born = readProcess(leader)?.startTime ?? 0;
  const known = new Set<string>();
  /** What is older than the trial can never belong to it; not looked at again. */
  let strangers = new Set<number>();

  const candidates = (): ProcessFacts[] => {
    const still = new Set<number>();
    const young: ProcessFacts[] = [];
    for (const pid of listProcesses()) {
      const facts = strangers.has(pid) ? null : readProcess(pid);
      if (strangers.has(pid) || (facts && facts.startTime < born)) still.add(pid);
      else if (facts) young.push(facts);
    }
    strangers = still;
    return young;
  };

  return {
    find() {
      const young = candidates();
      const pids = new Set<number>();
      const belongs = (p: ProcessFacts) =>
        p.group === leader ||
        p.session === leader ||
        pids.has(p.parent) ||
        known.has(identity(p)) ||
        startedWith(p.pid, marker);
      // A child may be listed before its parent: again until nobody new is found.
      for (let before = -1; before !== pids.size; ) {
        before = pids.size;
        for (const p of young) if (!pids.has(p.pid) && belongs(p)) pids.add(p.pid);
      }
      const members = young.filter((p) => pids.has(p.pid));
      for (const p of members) known.add(identity(p));
      return members.filter((p) => !p.dead);
    },
  };
}

const identity = (p: ProcessFacts) => `${p.pid}:${p.startTime}`;
