/**
 * Runs in a mount namespace of its own (started by disk.test.ts): a loop on a small file system that is full, or
 * read-only, for a while; prints what happened as JSON.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { readBaseline } from '../../src/baseline/read.ts';
import { homePaths } from '../../src/home/paths.ts';
import { runTick } from '../../src/tick/run-tick.ts';
import { BETTER, type FaultyHome, faultyHome, holds } from './faulty-home.ts';

const [mountPoint = '', what] = process.argv.slice(2);
const filler = join(mountPoint, 'filler');

function fill(): void {
  const fd = openSync(filler, 'w');
  try {
    for (let size = 65536; size >= 1; ) {
      try {
        writeSync(fd, Buffer.alloc(size));
      } catch {
        size = Math.floor(size / 4);
      }
    }
  } finally {
    closeSync(fd);
  }
}

async function errorOf(home: FaultyHome): Promise<{ code: number | null; error: string }> {
  const { code, stderr } = await home.cli('tick', '--json');
  return { code, error: JSON.parse(stderr.trim().split('\n').at(-1) ?? '').error.code };
}

async function during(home: FaultyHome): Promise<{ version: number; status: number | null }> {
  const version = (await readBaseline(homePaths(home.home).baseline))?.version ?? 0;
  return { version, status: (await home.cli('status', '--json')).code };
}

async function after(home: FaultyHome): Promise<{ after: string; finally: number | undefined }> {
  const { outcome } = await home.tickHere();
  await holds(home);
  return { after: outcome, finally: (await readBaseline(homePaths(home.home).baseline))?.version };
}

/** The disk fills while the third trial runs. */
async function fullWhileSearching(home: FaultyHome): Promise<{ search: string; afterSearch: string[] }> {
  home.save();
  let at = 0;
  const search = await home
    .look((ctx) => runTick(ctx, { onProgress: () => (at++ === 3 ? fill() : undefined) }))
    .then(
      ({ outcome }) => outcome as string,
      (error) => String(error.code),
    );
  unlinkSync(filler);
  const afterSearch = [(await home.tickHere()).outcome, (await home.tickHere()).outcome];
  home.restore();
  return { search, afterSearch };
}

execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'none', mountPoint]);
process.env.TMPDIR = mountPoint;
const home = await faultyHome(
  { budget: { trials: 2, duration: '5m' } },
  {
    governor: { concurrent_trials: 1, min_free_disk: '1KiB' },
  },
);
home.drop('promotions', 'better.json', BETTER);
const searched = what === 'full' ? await fullWhileSearching(home) : {};
await home.tickHere();
await home.tickHere('phase');
let tick: Awaited<ReturnType<typeof errorOf>>;
let seen: Awaited<ReturnType<typeof during>>;
if (what === 'full') {
  fill();
  tick = await errorOf(home);
  seen = await during(home);
  unlinkSync(filler);
} else {
  execFileSync('mount', ['-o', 'remount,bind,ro', mountPoint]);
  tick = await errorOf(home);
  seen = await during(home);
  execFileSync('mount', ['-o', 'remount,bind,rw', mountPoint]);
}
console.log(JSON.stringify({ ...searched, tick, during: seen, ...(await after(home)) }));
