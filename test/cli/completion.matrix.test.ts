import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Shell, shellScript } from '../../src/cli/completion-scripts.ts';
import { makeProgram } from '../../src/cli/program.ts';
import { run } from '../support/kloros.ts';

const program = await makeProgram();
const folder = mkdtempSync(join(tmpdir(), 'kloros-completion-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The path of a shell's script. */
function scriptFor(shell: Shell): string {
  const path = join(folder, `kloros.${shell}`);
  writeFileSync(path, shellScript(shell, program));
  return path;
}

const LINES: readonly (readonly [line: string, offers: string])[] = [
  ['kloros esc', 'escrow'],
  ['kloros baseline rollb', 'rollback'],
  ['kloros --home /srv/kloros baseline unp', 'unpin'],
  ['kloros baseline rollback --dr', '--dry-run'],
  ['kloros promotions list --state esc', 'escrowed'],
  ['kloros --color ne', 'never'],
  ['kloros dream --seed 7 li', 'list'],
];

/** The text of all that a shell printed, without a word of complaint. */
async function sound(program: string, args: readonly string[]): Promise<string> {
  const { exit, stdout, stderr } = await run(program, args, { cwd: folder });
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  return stdout;
}

describe('fish', () => {
  test.each(LINES)('%s: %s', async (line, offers) => {
    const stdout = await sound('fish', [
      '--no-config',
      '-c',
      `source '${scriptFor('fish')}'; complete -C '${line}'`,
    ]);
    expect(stdout.split('\n')[0]?.split('\t')[0]).toBe(offers);
  });
});

describe('zsh', () => {
  test.each(LINES)('%s: %s is among what is offered', async (line, offers) => {
    // compadd takes words only from within a completion: here it says what it was given.
    const text = `compdef() { : }; compadd() { shift; print -l -- "$@" }; _files() { }
      source '${scriptFor('zsh')}'; words=(${line}); CURRENT=$#words; _kloros`;
    expect((await sound('zsh', ['-f', '-c', text])).split('\n')).toContain(offers);
  });
});
