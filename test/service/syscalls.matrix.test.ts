/** What a tick asks of the kernel is what its unit allows: a refusal would show as an odd error on the real machine. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generateUnits } from '../../src/service/units.ts';
import { MAIN } from '../support/kloros.ts';
import { loopHome } from '../support/loop.ts';
import { settings } from './settings.ts';

/** The system calls of a set, sets within it resolved. */
function callsOf(set: string): Set<string> {
  const { stdout, error } = spawnSync('systemd-analyze', ['syscall-filter', set], { encoding: 'utf8' });
  if (error) throw new Error(`systemd-analyze is missing: scripts/system-tools.mjs installs it (${error})`);
  const names = stdout
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  return names.reduce(
    (all, name) => (name.startsWith('@') ? all.union(callsOf(name)) : all.add(name)),
    new Set<string>(),
  );
}

/** What the SystemCallFilter lines of a unit allow, in their order. */
function allowedBy(text: string): Set<string> {
  const lines = [...text.matchAll(/^SystemCallFilter=(~?)(@\S+)$/gm)];
  return lines.reduce(
    (allowed, [, not, set = '']) => (not ? allowed.difference(callsOf(set)) : allowed.union(callsOf(set))),
    new Set<string>(),
  );
}

test('a tick with a search in it, its evaluators included, makes no system call that its unit refuses', async () => {
  const home = await loopHome();
  const trace = join(home.root, 'trace');
  try {
    home.drop('promotions', 'p.json', {
      schema: 'v2',
      id: 'p',
      timestamp: 1_790_000_000,
      experiment: 'demo',
      fitness: 0.9,
      changes: { cache: 64 },
    });
    const ran = spawnSync(
      'strace',
      ['-f', '-qq', '-o', trace, process.execPath, MAIN, '--home', home.home, 'tick'],
      {
        encoding: 'utf8',
      },
    );
    expect(ran.error).toBeUndefined();
    expect(ran.stdout).toContain('DREAM_CYCLE');
    const made = new Set(
      [...readFileSync(trace, 'utf8').matchAll(/^\d+ +([a-z_0-9]+)\(/gm)].map(([, name = '']) => name),
    );
    const [service] = generateUnits(settings());
    const refused = made.difference(allowedBy(service?.text ?? ''));
    console.log(`system calls: ${made.size} made, refused: ${[...refused].join(', ') || 'none'}`);
    expect([...refused]).toEqual([]);
  } finally {
    home.remove();
  }
});
