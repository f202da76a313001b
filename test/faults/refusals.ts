import { expect } from 'vitest';
import { readBaseline } from '../../src/baseline/read.ts';
import { KlorosError } from '../../src/errors.ts';
import { closeContext, openContext } from '../../src/home/open.ts';
import { runTick } from '../../src/tick/run-tick.ts';
import { type Errno, errnoFileSystem } from './errno-fs.ts';
import { countsAgree, type FaultyHome, holds } from './faulty-home.ts';

/** A tick on a machine whose file system refuses one call (or `times`): what it came to, and how many calls it made. */
export async function refusedTick(
  home: FaultyHome,
  at: number,
  errno: Errno,
  times = 1,
): Promise<{ ended: string; calls: number; failed: string | null }> {
  const machine = errnoFileSystem(at, errno, times);
  let ended: string;
  try {
    const ctx = await openContext({ home: home.home, env: { PATH: process.env.PATH }, fs: machine.fs });
    try {
      const { outcome, reason } = await runTick(ctx);
      ended = outcome === 'ERROR' ? reason : outcome;
    } finally {
      await closeContext(ctx);
    }
  } catch (error) {
    ended = error instanceof KlorosError ? error.code : String(error);
  }
  return { ended, calls: machine.calls(), failed: machine.failed() };
}

/**
 * Refuses each `stride`-th call of the tick that `home.save` was made before, and each time: a clear end, a baseline
 * that can be read, and a loop that comes to `version` by itself within `ticks` more ticks, as if nothing had been.
 */
export async function refuseEach(
  home: FaultyHome,
  errno: Errno,
  wanted: {
    readonly version: number;
    readonly ticks: number;
    readonly stride: number;
    readonly clear: RegExp;
    /** Between two of those ticks, ms. */
    readonly pauseMs?: number;
  },
): Promise<string[]> {
  home.restore();
  const { calls } = await refusedTick(home, 0, errno, 0);
  const ends: string[] = [];
  for (let at = 1; at <= calls; at += wanted.stride) {
    home.restore();
    const { ended, failed } = await refusedTick(home, at, errno);
    const where = `${errno} at ${failed}, call ${at} of ${calls}: ${ended}`;
    if (failed === null) continue;
    ends.push(ended);
    expect(ended, where).toMatch(wanted.clear);
    const seen = await home.look(({ paths }) => readBaseline(paths.baseline));
    expect([0, wanted.version], where).toContain(seen?.version ?? 0);
    const outcomes: string[] = [];
    for (let n = 0; n < wanted.ticks; n++) {
      // What was held against the commit waits out its pause.
      if (n > 0 && wanted.pauseMs) await new Promise((resolve) => setTimeout(resolve, wanted.pauseMs));
      outcomes.push((await home.tickHere()).outcome);
    }
    expect(outcomes, where).not.toContain('ERROR');
    const now = await home.look(({ db }) =>
      db.get('SELECT COALESCE(MAX(version), 0) AS version FROM baselines'),
    );
    expect(now, `${where}; then ${outcomes.join()}`).toEqual({ version: wanted.version });
    await holds(home);
    await countsAgree(home);
  }
  return ends;
}
