import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Command } from './lock-child.ts';

/** What a child answered, with the fields of every kind of answer. */
export interface ChildAnswer {
  readonly acquired?: boolean;
  readonly token?: number;
  readonly reapedPid?: number;
  readonly committed?: boolean;
  readonly spawned?: number;
  readonly error?: string;
}

/** A real process with its own database connection that takes locks on command. */
export interface LockChild {
  readonly pid: number;
  ask(command: Command): Promise<ChildAnswer>;
  /** Sends a signal; after SIGKILL it waits until the process is gone. */
  signal(signal: NodeJS.Signals): Promise<void>;
}

const SCRIPT = fileURLToPath(new URL('lock-child.ts', import.meta.url));

function lockChild(child: ChildProcess): LockChild {
  const { stdin, stdout, pid } = child;
  if (!stdin || !stdout || pid === undefined) throw new Error('the child did not start');
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  return {
    pid,
    async ask(command) {
      stdin.write(`${JSON.stringify(command)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`child ${pid} ended instead of answering ${command.do}`);
      return JSON.parse(value) as ChildAnswer;
    },
    async signal(signal) {
      const gone = once(child, 'exit');
      child.kill(signal);
      if (signal === 'SIGKILL') await gone;
    },
  };
}

/** Starts `count` children on one home; `stop` ends those that still run. */
export function startLockChildren(home: string, count: number): { children: LockChild[]; stop(): void } {
  const processes = Array.from({ length: count }, () =>
    spawn(process.execPath, [SCRIPT, home], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  return {
    children: processes.map(lockChild),
    stop: () => {
      for (const child of processes) child.kill('SIGKILL');
    },
  };
}
