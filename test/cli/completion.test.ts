import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SHELLS, shellScript } from '../../src/cli/completion-scripts.ts';
import { everyCommand, makeProgram } from '../../src/cli/program.ts';
import { kloros, run } from '../support/kloros.ts';

const program = await makeProgram();

const folder = mkdtempSync(join(tmpdir(), 'kloros-completion-'));
const script = join(folder, 'kloros.bash');

beforeAll(async () => {
  writeFileSync(script, (await kloros({}, 'completion', 'bash')).stdout);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What bash offers for the last of the words. */
async function offered(...words: string[]): Promise<string[]> {
  const line = ['kloros', ...words].map((word) => `'${word}'`).join(' ');
  const text = `source '${script}' && COMP_WORDS=(${line}) && COMP_CWORD=${words.length} && _kloros && printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, exit } = await run('bash', ['--norc', '-euc', text], { cwd: folder });
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  return stdout.split('\n').filter((word) => word !== '');
}

describe('completion in bash', () => {
  test.each([
    [['esc'], ['escrow']],
    [['baseline', 'r'], ['rollback']],
    [['--home', '/srv/kloros', 'baseline', 'un'], ['unpin']],
    [['baseline', 'rollback', '--dr'], ['--dry-run']],
    [['promotions', 'list', '--state', 'esc'], ['escrowed']],
    [['--color', 'n'], ['never']],
    [['completion', 'f'], ['fish']],
    [['dream', '--seed', '7', 'l'], ['list']],
    [['promotions', 'submit', 'kloros.b'], ['kloros.bash']],
    [['promotions', 'submit', '--config', 'kloros.b'], ['kloros.bash']],
  ])('%j → %j', async (words, expected) => {
    expect(await offered(...words)).toEqual(expected);
  });

  test('offers every command of the first level, and is known to the shell', async () => {
    expect(await offered('')).toEqual(program.commands.map((command) => command.name()));
    const { stdout } = await run('bash', ['--norc', '-c', `source '${script}'; complete -p kloros`]);
    expect(stdout.trim()).toBe('complete -F _kloros kloros');
  });
});

describe.each(SHELLS)('the script for %s', (shell) => {
  const text = shellScript(shell, program);

  test('names every command and every option', () => {
    for (const command of everyCommand(program)) {
      expect(text).toContain(command.name());
      for (const { long } of command.options) expect(text).toContain(long?.replace(/^--/, ''));
    }
  });
});

test('a shell that it does not know is a mistake of use that names those it does', async () => {
  const { exit, stderr } = await kloros({}, 'completion', 'tcsh');
  expect(exit).toBe(64);
  expect(stderr).toContain('bash, zsh, fish');
});
