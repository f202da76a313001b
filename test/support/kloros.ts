import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

/** src/cli/main.ts, as a process of its own runs it. */
export const MAIN = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'src', 'cli', 'main.ts');

export interface Ran {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** The home; default: none is named. */
  readonly home?: string;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What a process compiled the next one need not: a test starts dozens. */
const CACHE = { NODE_COMPILE_CACHE: join(tmpdir(), 'kloros-test-compile-cache') };

/** Runs a program to its end. `answer` is typed when it asks: when what it printed ends with ": ". */
export function run(
  program: string,
  args: readonly string[],
  options: RunOptions & { readonly answer?: string } = {},
): Promise<Ran> {
  const { home, cwd, stdin = '', env, answer } = options;
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env.PATH, ...CACHE, ...(home === undefined ? {} : { KLOROS_HOME: home }), ...env },
  });
  let stdout = '';
  let stderr = '';
  let left = answer;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (left === undefined || !stripVTControlCharacters(stdout).endsWith(': ')) return;
    child.stdin.write(left);
    left = undefined;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  if (answer === undefined) child.stdin.end(stdin);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit) => resolve({ exit, stdout, stderr }));
  });
}

/** Runs `kloros` with these arguments, as a process. */
export function kloros(options: RunOptions, ...args: readonly string[]): Promise<Ran> {
  return run(process.execPath, [MAIN, ...args], options);
}

/** Runs `kloros` on a terminal of its own, where stdout and stderr are one, and types `answer` when it asks. */
export function klorosOnTerminal(options: RunOptions, line: string, answer = ''): Promise<Ran> {
  const env = { TERM: 'xterm', ...options.env };
  const command = `'${process.execPath}' '${MAIN}' ${line}`;
  return run('script', ['-qec', command, '/dev/null'], { ...options, env, answer });
}
