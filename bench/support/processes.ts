import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A whole process, as it was run. */
export interface Run {
  readonly wallMs: number;
  /** Largest resident memory, MiB. */
  readonly peakMiB: number;
  readonly cpuMs: number;
}

export interface Command {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that are no failure of the measurement. */
  readonly exits?: readonly number[];
}

/** Written by every measured process as it ends, so that all pay the same for it. */
const REPORT = `import{writeFileSync}from'node:fs';process.on('exit',()=>{const u=process.resourceUsage();writeFileSync(process.env.BENCH_USAGE,JSON.stringify({peak:u.maxRSS/1024,cpu:(u.userCPUTime+u.systemCPUTime)/1000}))})`;
const PRELOAD = `data:text/javascript,${encodeURIComponent(REPORT)}`;

/** Runs a command once with this Node.js. @throws when it fails */
export function runOnce(command: Command): Run {
  const folder = mkdtempSync(join(tmpdir(), 'kloros-bench-'));
  const usage = join(folder, 'usage');
  try {
    const started = performance.now();
    const done = spawnSync(process.execPath, ['--import', PRELOAD, ...command.args], {
      env: { PATH: process.env.PATH, ...command.env, BENCH_USAGE: usage },
      encoding: 'utf8',
    });
    const wallMs = performance.now() - started;
    if (!(command.exits ?? [0]).includes(done.status ?? -1))
      throw new Error(`${command.name} ended with ${done.status ?? done.signal}: ${done.stderr}`);
    const { peak, cpu } = JSON.parse(readFileSync(usage, 'utf8')) as { peak: number; cpu: number };
    return { wallMs, peakMiB: peak, cpuMs: cpu };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** The commands in turn, `runs` times after one warm-up each; the median of each figure. */
export function inTurn(commands: readonly Command[], runs: number): Map<string, Run> {
  const all = new Map(commands.map((c) => [c.name, [] as Run[]]));
  for (let n = -1; n < runs; n++)
    for (const command of commands) {
      const run = runOnce(command);
      if (n >= 0) all.get(command.name)?.push(run);
    }
  return new Map(
    [...all].map(([name, list]) => [
      name,
      {
        wallMs: median(list.map((r) => r.wallMs)),
        peakMiB: median(list.map((r) => r.peakMiB)),
        cpuMs: median(list.map((r) => r.cpuMs)),
      },
    ]),
  );
}
