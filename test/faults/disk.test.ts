import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BETTER, cycleOf, type FaultyHome, faultyHome } from './faulty-home.ts';
import { refusedTick, refuseEach } from './refusals.ts';

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describe('a real file system, full or read-only', () => {
  const script = fileURLToPath(new URL('mounted-loop.ts', import.meta.url));
  let mountPoint: string;

  beforeEach(() => {
    mountPoint = mkdtempSync(join(tmpdir(), 'kloros-mount-'));
  });

  afterEach(() => rmdirSync(mountPoint));

  /** What the script saw; null where this machine gives no mount namespace. */
  function onFileSystem(what: 'full' | 'read-only'): unknown {
    const inNamespace = (...command: string[]) =>
      spawnSync('unshare', ['-rm', ...command], { encoding: 'utf8' });
    if (inNamespace('mount', '-t', 'tmpfs', 'none', mountPoint).status !== 0) return null;
    const { stdout, stderr } = inNamespace(process.execPath, script, mountPoint, what);
    expect(stderr).toBe('');
    return JSON.parse(stdout);
  }

  test('a full disk stops a search and a commit with one clear code, the old baseline stays, and freed space is enough', ({
    skip,
  }) => {
    const seen = onFileSystem('full');
    skip(seen === null, 'no mount namespaces here');
    expect(seen).toEqual({
      search: 'KLR_E_DISK_FULL',
      afterSearch: ['RECOVERED', 'DREAM_CYCLE'],
      tick: { code: 1, error: 'KLR_E_DISK_FULL' },
      during: { version: 0, status: 0 },
      after: 'BASELINE_COMMIT',
      finally: 1,
    });
  });

  test('read-only media: a tick exits with one clear code, status still answers, and a writable home goes on', ({
    skip,
  }) => {
    const seen = onFileSystem('read-only');
    skip(seen === null, 'no mount namespaces here');
    expect(seen).toEqual({
      tick: { code: 1, error: 'KLR_E_HOME_READ_ONLY' },
      during: { version: 0, status: 0 },
      after: 'BASELINE_COMMIT',
      finally: 1,
    });
  });
});

describe('one call that the file system refuses', () => {
  let home: FaultyHome;

  beforeEach(async () => {
    home = await faultyHome(
      { budget: { trials: 2, duration: '5m' } },
      { retry: { attempts: 5, first_pause: '1s' } },
    );
    home.drop('promotions', 'better.json', BETTER);
  });

  afterEach(() => home.remove());

  const CLEAR = /^(KLR_E_DISK_FULL|BASELINE_COMMIT|NOOP)/;

  test('anywhere in a tick that commits: the old or the new baseline, and the next ticks carry it out', async () => {
    await home.tickHere();
    await home.tickHere('phase');
    home.save();
    const ends = await refuseEach(home, 'ENOSPC', { version: 1, ticks: 2, stride: 5, clear: CLEAR });
    expect(ends.some((end) => end.startsWith('KLR_E_DISK_FULL'))).toBe(true);
  });

  test('anywhere in a tick that searches: it is not held against the search, which comes to the same result', async () => {
    home.save();
    await home.tickHere();
    const whole = await cycleOf(home);
    home.restore();
    const { calls } = await refusedTick(home, 0, 'ENOSPC', 0);
    // Each call is the business of the matrix.
    for (let at = 2; at < calls; at += Math.ceil(calls / 5)) {
      home.restore();
      const { ended, failed } = await refusedTick(home, at, 'ENOSPC');
      const outcomes = [ended];
      for (let n = 0; n < 2; n++) outcomes.push((await home.tickHere()).outcome);
      const where = `at ${failed}, call ${at} of ${calls}: ${outcomes.join()}`;
      expect(ended, where).toMatch(/^(KLR_E_DISK_FULL|DREAM_CYCLE)/);
      expect(await cycleOf(home), where).toEqual(whole);
    }
  });
});
