import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { systemClock } from '../time/clock.ts';
import { killAll, sendSignal } from './kill.ts';
import { watchMembers } from './members.ts';
import { type ProcessFacts, proportionalMemory, residentMemory } from './proc.ts';

/** For what is still in the pipes when everybody who writes is dead, ms. */
const DRAIN_MS = 200;

export interface GroupOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** NAME=value in `env` that no other process was started with. */
  readonly marker: string;
  readonly nice: number;
  readonly onOutput: (chunk: Buffer) => void;
}

/** How the leader of a group ended. */
export type GroupExit =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'spawn'; readonly reason: string };

/** What the whole group uses now. */
interface GroupUsage {
  /** Bytes. */
  readonly memory: number;
  /** CPU milliseconds since the start, of the living and of the children that they waited for. */
  readonly cpuMs: number;
}

/** A command in a process group of its own. */
export interface Group {
  /** Settles when the leader is gone; never rejects. Others of the group may be alive. */
  readonly exited: Promise<GroupExit>;
  /** Asks every process of the group to end. */
  terminate(): void;
  /** What it uses; shared memory is told apart only when the plain sum is beyond `precise` bytes. */
  usage(precise: number): GroupUsage;
  /** Kills whatever is alive, in the group or gone from it, and closes the pipes. */
  clear(): Promise<void>;
}

const notStarted = (reason: string): Group => ({
  exited: Promise.resolve({ kind: 'spawn', reason }),
  terminate() {},
  usage: () => ({ memory: 0, cpuMs: 0 }),
  async clear() {},
});

function startError(program: string, error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  if (code === 'ENOENT') return `could not start ${program}: no such program`;
  if (code === 'EACCES') return `could not start ${program}: it may not be executed`;
  if (code === 'E2BIG')
    return `could not start ${program}: parameters and domain args are too large for an environment`;
  return `could not start ${program}: ${message ?? String(error)}`;
}

function measure(members: readonly ProcessFacts[], precise: number): GroupUsage {
  const sum = (of: (pid: number) => number) => members.reduce((total, { pid }) => total + of(pid), 0);
  const resident = sum(residentMemory);
  return {
    memory: resident > precise ? sum(proportionalMemory) : resident,
    cpuMs: members.reduce((total, { cpuMs }) => total + cpuMs, 0),
  };
}

/** Starts `command` as the leader of a new session and group, without a shell and without input. Never throws. */
export function startGroup(command: readonly string[], options: GroupOptions): Group {
  const [program = '', ...args] = command;
  const { cwd, env, nice } = options;
  const start = () => spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let child: ReturnType<typeof start>;
  try {
    child = start();
  } catch (error) {
    return notStarted(startError(program, error));
  }
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const exited = new Promise<GroupExit>((resolve) => {
    child.once('error', (error) => resolve({ kind: 'spawn', reason: startError(program, error) }));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? { kind: 'exit', code: code ?? 0 } : { kind: 'signal', signal }),
    );
  });
  const { pid } = child;
  if (pid === undefined) return { ...notStarted(''), exited };
  child.stdout.on('data', options.onOutput);
  child.stderr.on('data', options.onOutput);
  // At once when the leader is gone: while its group lives, its number cannot be given to another.
  child.once('exit', () => sendSignal(-pid, 'SIGKILL'));
  lowerPriority(pid, nice);
  const members = watchMembers(pid, options.marker);
  return {
    exited,
    terminate() {
      sendSignal(-pid, 'SIGTERM');
      // One that was stopped could not answer.
      sendSignal(-pid, 'SIGCONT');
    },
    usage: (precise) => measure(members.find(), precise),
    async clear() {
      if (child.exitCode === null && child.signalCode === null) sendSignal(-pid, 'SIGKILL');
      await killAll(members.find);
      await Promise.race([closed, systemClock.sleep(DRAIN_MS)]);
      child.stdout.destroy();
      child.stderr.destroy();
    },
  };
}

function lowerPriority(pid: number, nice: number): void {
  if (nice === 0) return;
  try {
    setPriority(pid, nice);
  } catch {
    // It ended already.
  }
}
