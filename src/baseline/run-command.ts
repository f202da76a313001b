import { spawn } from 'node:child_process';

/** How a reload, health or notification command ended. `tail` is the end of what it printed, at most 4 KiB. */
export type CommandResult =
  | { readonly ok: true; readonly tail: string }
  | { readonly ok: false; readonly stopped: boolean; readonly reason: string; readonly tail: string };

export interface CommandOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  /** Written to its stdin; default: it has none. */
  readonly input?: string;
  /** Ends the command at once; the result is `stopped`. */
  readonly signal?: AbortSignal;
}

const TAIL = 4096;
/** All control characters but tab and line feed. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
/** Between SIGTERM and SIGKILL, milliseconds. */
const GRACE_MS = 1000;
/** For what is still in the pipe after the command ended, milliseconds. */
const DRAIN_MS = 200;

/** Keeps the last bytes of a stream of output. */
function tailKeeper(): { add(chunk: Buffer): void; text(): string } {
  let kept = Buffer.alloc(0);
  return {
    add: (chunk) => {
      kept = Buffer.concat([kept, chunk]).subarray(-TAIL);
    },
    text: () => kept.toString('utf8').replace(UNPRINTABLE, '\ufffd').trim(),
  };
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already.
  }
}

/** Ends a process group: SIGTERM, then SIGKILL to what is left of it. */
function groupKiller(pid: number | undefined): { terminate(): void; settle(cutOff: boolean): void } {
  let timer: NodeJS.Timeout | undefined;
  return {
    terminate: () => {
      killGroup(pid, 'SIGTERM');
      timer ??= setTimeout(() => killGroup(pid, 'SIGKILL'), GRACE_MS);
    },
    // What a command that was cut off left in its group must not outlive it.
    settle: (cutOff) => {
      clearTimeout(timer);
      if (cutOff) killGroup(pid, 'SIGKILL');
    },
  };
}

/**
 * Runs a command of the configuration: no shell, a process group of its own that is killed when the time is
 * over (SIGTERM, a second later SIGKILL). After an exit 0 the group is left alone: a reload may start a service.
 * Never rejects.
 */
export function runCommand(command: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const [program = '', ...args] = command;
  const { cwd, env, timeoutMs, input, signal } = options;
  return new Promise((resolve) => {
    const output = tailKeeper();
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    // A command that does not read its input is no failure.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const group = groupKiller(child.pid);
    let ended: { reason: string; stopped: boolean } | null = null;
    const end = (reason: string, stopped: boolean) => {
      ended ??= { reason, stopped };
      group.terminate();
    };
    const timer = setTimeout(() => end(`did not end within ${timeoutMs} ms`, false), timeoutMs);
    const onAbort = () => end('stopped', true);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    const disarm = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const settle = (reason: string | null) => {
      disarm();
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      const tail = output.text();
      if (ended) resolve({ ok: false, ...ended, tail });
      else if (reason !== null) resolve({ ok: false, reason, stopped: false, tail });
      else resolve({ ok: true, tail });
    };
    child.stdout.on('data', output.add);
    child.stderr.on('data', output.add);
    child.once('error', (error) => settle(`could not be started: ${error.message}`));
    child.once('exit', (code, by) => {
      // From here on its group is not ours to kill: it may be a service that the reload started.
      disarm();
      group.settle(ended !== null);
      const reason = code === 0 ? null : by ? `was killed by ${by}` : `exited with ${code}`;
      const drained = setTimeout(() => settle(reason), DRAIN_MS);
      child.once('close', () => {
        clearTimeout(drained);
        settle(reason);
      });
    });
  });
}

/** A failed command in words: what happened, and the end of what it printed. */
export const explainCommand = (result: { reason: string; tail: string }): string =>
  result.tail === '' ? result.reason : `${result.reason}: ${result.tail}`;
