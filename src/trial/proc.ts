import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second in /proc: USER_HZ, 100 on every Linux (proc(5), sysconf(3)). */
const TICKS_PER_SECOND = 100;

/** One process as the kernel shows it in /proc/<pid>/stat (proc(5)). */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Ticks since boot: with the pid, the identity of a process. */
  readonly startTime: number;
  /** CPU time of the process and of the children that it waited for, ms. */
  readonly cpuMs: number;
  /** A zombie: it runs no more, its parent has only not asked yet how it ended. */
  readonly dead: boolean;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // It ended, or it belongs to someone else.
    return null;
  }
}

/** Ids of all processes; empty where there is no /proc. */
export function listProcesses(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Null when the process is gone. */
export function readProcess(pid: number): ProcessFacts | null {
  const text = readText(`/proc/${pid}/stat`);
  if (text === null) return null;
  // A command may contain any character: the fields are counted from its closing parenthesis.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const number = (index: number) => Number(fields[index]);
  const ticks = number(11) + number(12) + number(13) + number(14);
  return {
    pid,
    parent: number(1),
    group: number(2),
    session: number(3),
    startTime: number(19),
    cpuMs: (ticks * 1000) / TICKS_PER_SECOND,
    dead: fields[0] === 'Z' || fields[0] === 'X',
  };
}

/** Whether the environment that a process was started with holds exactly `entry` (NAME=value). */
export function startedWith(pid: number, entry: string): boolean {
  return environmentOf(pid).includes(Buffer.from(entry).toString('latin1'));
}

/** The environment that a process was started with, entry by entry, as latin1; empty when it cannot be seen. */
export function environmentOf(pid: number): string[] {
  return readText(`/proc/${pid}/environ`)?.split('\0') ?? [];
}

function kibibytes(path: string, field: RegExp): number | null {
  const match = field.exec(readText(path) ?? '');
  return match ? Number(match[1]) * 1024 : null;
}

/** Resident memory in bytes; pages that are shared count in each process that has them. */
export function residentMemory(pid: number): number {
  return kibibytes(`/proc/${pid}/status`, /^VmRSS:\s+(\d+) kB/m) ?? 0;
}

/**
 * Proportional memory in bytes: a shared page counts in parts, so that the sum over a group is what the group uses.
 * Dearer to read than `residentMemory`, which stands in where it may not be read.
 */
export function proportionalMemory(pid: number): number {
  return kibibytes(`/proc/${pid}/smaps_rollup`, /^Pss:\s+(\d+) kB/m) ?? residentMemory(pid);
}
