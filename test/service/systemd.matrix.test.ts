import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { calendarFor } from '../../src/service/calendar.ts';
import { generateUnits } from '../../src/service/units.ts';
import { daemon, settings } from './settings.ts';

/** Exposure that no unit may have more of, of 10. */
const MOST_EXPOSURE = 2;

const root = mkdtempSync(join(tmpdir(), 'kloros-units-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function analyze(...args: string[]): { status: number | null; text: string } {
  const env = { ...process.env, SYSTEMD_UNIT_PATH: `${root}:/usr/lib/systemd/system:` };
  const { status, stdout, stderr, error } = spawnSync('systemd-analyze', args, { encoding: 'utf8', env });
  if (error) throw new Error(`systemd-analyze is missing: scripts/system-tools.mjs installs it (${error})`);
  return { status, text: stdout + stderr };
}

/** `/bin/true` in the place of the program, which is not installed where this runs. */
const program = ['/bin/true'];
const owner = { user: 'daemon', group: 'daemon' };
const cases = [
  ['timer of the machine', settings({ program, owner })],
  ['daemon of the machine', daemon({ program, owner })],
  ['timer of a user', settings({ program, scope: 'user', owner: null })],
  ['daemon of a user', daemon({ program, scope: 'user', owner: null })],
] as const;

describe.each(cases)('%s', (what, service) => {
  const units = generateUnits(service);
  const folder = join(root, what.replaceAll(' ', '-'));
  mkdirSync(folder, { recursive: true });
  for (const { name, text } of units) writeFileSync(join(folder, name), text);

  test('systemd-analyze verify has nothing to say', () => {
    const paths = units.map(({ name }) => join(folder, name));
    const { status, text } = analyze('verify', ...paths);
    expect(text.split('\n').filter((line) => line.includes('kloros'))).toEqual([]);
    expect(status).toBe(0);
  });

  test.each(units.filter(({ name }) => name.endsWith('.service')))('$name is closed', ({ name, text }) => {
    // A template is judged as one of its instances.
    const path = join(folder, name.replace('@', '@x'));
    writeFileSync(path, text);
    const { text: said } = analyze('security', '--offline=true', path);
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(said)?.[1] ?? Number.NaN);
    console.log(`exposure of ${name}, ${what}: ${exposure}`);
    expect(exposure).toBeLessThanOrEqual(MOST_EXPOSURE);
  });
});

test.each([1, 5, 15, 30, 45, 60, 90, 300, 420, 3600, 86_400])(
  'systemd reads the calendar of an interval of %i s, and it elapses at least that often',
  (seconds) => {
    const { status, text } = analyze('calendar', '--iterations=2', calendarFor(seconds * 1000));
    expect(status).toBe(0);
    const times = [...text.matchAll(/(?:Next elapse|Iteration #2): \w+ (\S+ \S+) UTC/g)].map(([, at]) =>
      Date.parse(`${at?.replace(' ', 'T')}Z`),
    );
    if (times.length === 2) {
      const [first = 0, second = 0] = times;
      expect((second - first) / 1000).toBeLessThanOrEqual(Math.max(seconds, 1));
    }
  },
);
