import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Errno } from './errno-fs.ts';
import { BETTER, cycleOf, type FaultyHome, faultyHome } from './faulty-home.ts';
import { refusedTick, refuseEach } from './refusals.ts';

const ERRNOS: readonly Errno[] = ['ENOSPC', 'EDQUOT', 'EIO'];

let home: FaultyHome;

beforeEach(async () => {
  home = await faultyHome(
    { budget: { trials: 2, duration: '5m' } },
    { retry: { attempts: 5, first_pause: '1s' } },
  );
  home.drop('promotions', 'better.json', BETTER);
});

afterEach(() => home.remove());

describe.each(ERRNOS)('%s at each call', (errno) => {
  test('of a tick that commits: the old or the new baseline, and the loop carries it out', async () => {
    await home.tickHere();
    await home.tickHere('phase');
    home.save();
    // A broken disk, unlike a full one, is held against the commit, for `retry.first_pause`.
    const pauseMs = errno === 'EIO' ? 1100 : 0;
    const ends = await refuseEach(home, errno, { version: 1, ticks: 2, stride: 1, clear: /./, pauseMs });
    console.log(`${errno} at ${ends.length} calls of a commit: ${[...new Set(ends)].join('; ')}`);
  });

  test('of a tick that searches: the search comes to the same result', async () => {
    home.save();
    await home.tickHere();
    const whole = await cycleOf(home);
    home.restore();
    const { calls } = await refusedTick(home, 0, errno, 0);
    const ends = new Set<string>();
    // What is held against the search waits out its pause: there every fourth call has to do.
    const stride = errno === 'EIO' ? 4 : 1;
    let refused = 0;
    for (let at = 1; at <= calls; at += stride) {
      home.restore();
      const { ended, failed } = await refusedTick(home, at, errno);
      if (failed === null) continue;
      refused += 1;
      ends.add(ended.slice(0, 40));
      for (let n = 0; n < 2; n++) await home.tickHere();
      if (JSON.stringify(await cycleOf(home)) !== JSON.stringify(whole)) {
        // Held against the search: after its pause it goes on.
        await new Promise((resolve) => setTimeout(resolve, 1100));
        await home.tickHere();
      }
      expect(await cycleOf(home), `${errno} at ${failed}, call ${at} of ${calls}: ${ended}`).toEqual(whole);
    }
    console.log(`${errno} at ${refused} of ${calls} calls of a search: ${[...ends].join('; ')}`);
  });
});
