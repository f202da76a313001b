import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { everyCommand, makeProgram } from '../../src/cli/program.ts';

const program = await makeProgram();
const pathOf = (command: Command): string =>
  command.parent === null ? '' : `${pathOf(command.parent)} ${command.name()}`.trim();
const named = everyCommand(program).map((command) => [pathOf(command), command] as const);

/** All of a command's help, with what is added after it. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text;
}

/** The command lines in the examples of a help, each as words; text in quotes is one word. */
function examplesOf(help: string): string[][] {
  const [, examples = ''] = help.split('\nExamples:\n');
  const lines = examples.replaceAll(/\\\n\s*/g, ' ').split('\n');
  return lines
    .filter((line) => line.startsWith('  $ '))
    .flatMap((line) => line.slice(4).split(/\s{2,}|\s[|>]\s|&&|<\(/))
    .map((part): string[] => part.match(/'[^']*'|"[^"]*"|[^\s)]+/g) ?? [])
    .flatMap((words) => {
      const start = words.indexOf('kloros');
      return start < 0 ? [] : [words.slice(start + 1)];
    });
}

/** The command that words name, options aside. */
function commandOf(words: readonly string[]): Command {
  let command = program;
  for (const word of words) command = command.commands.find((child) => child.name() === word) ?? command;
  return command;
}

describe.each(named)('kloros %s', (path, command) => {
  const help = helpOf(command);

  test('has an example in its help, of itself', () => {
    const own = examplesOf(help).map((words) => pathOf(commandOf(words)));
    expect(own.filter((name) => name === path || name.startsWith(`${path} `))).not.toEqual([]);
  });

  test('has no example with an option that it does not know', () => {
    for (const words of examplesOf(help)) {
      const meant = commandOf(words);
      const options = [...meant.options, ...(meant.parent?.options ?? []), ...program.options];
      const known = options.flatMap(({ long, short, negate }) => (negate ? [long] : [long, short]));
      for (const word of words.filter((w) => /^--?[a-z]/.test(w)))
        expect(known, words.join(' ')).toContain(word);
    }
  });

  test('says what it does, and what each of its options and arguments is for', () => {
    expect(command.description()).not.toBe('');
    for (const option of command.options) expect(option.description, option.flags).not.toBe('');
    expect(help).toContain('--json');
  });
});
