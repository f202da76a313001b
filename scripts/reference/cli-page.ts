import type { Command, Option } from 'commander';
import { everyCommand, makeProgram } from '../../src/cli/program.ts';
import { code, markdownTable, page } from './markdown.ts';

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function optionRow(option: Option): string[] {
  const choices = option.argChoices ? ` (${option.argChoices.join(', ')})` : '';
  const given = option.defaultValue === undefined || option.negate ? '' : code(String(option.defaultValue));
  return [code(option.flags), `${option.description}${choices}`, given];
}

const optionTable = (command: Command) =>
  markdownTable(['Option', 'Meaning', 'Default'], command.options.map(optionRow));

function argumentTable(command: Command): string {
  const rows = command.registeredArguments.map((argument) => {
    const choices = argument.argChoices ? ` (${argument.argChoices.join(', ')})` : '';
    const given = argument.defaultValue === undefined ? '' : code(String(argument.defaultValue));
    return [code(argument.name()), `${argument.description}${choices}`, given];
  });
  return markdownTable(['Argument', 'Meaning', 'Default'], rows);
}

/** What the help says after its options: notes and examples. */
function afterwards(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  const start = text.search(/^(Examples|Lines|Undo|Exit codes):/m);
  return start < 0 ? '' : `\`\`\`text\n${text.slice(start).trim()}\n\`\`\``;
}

function commandParts(command: Command): string[] {
  const usage = `${pathOf(command)} ${command.usage()}`;
  return [
    `## ${pathOf(command)}`,
    `${sentence(command.description())}.`,
    `\`\`\`text\n${usage}\n\`\`\``,
    argumentTable(command),
    optionTable(command),
    afterwards(command),
  ];
}

/** docs/reference/cli.md, from the tree of commands. */
export async function cliPage(): Promise<string> {
  const program = await makeProgram();
  return page([
    '# The command line',
    program.description(),
    'Data goes to stdout, everything else to stderr. `--json` gives every command one JSON document (`ledger list` and `logs`: one a line) with a `schema` that carries a version; tables for people may change. Errors and exit codes: [errors.md](errors.md).',
    '## Options of every command',
    optionTable(program),
    afterwards(program),
    ...everyCommand(program).flatMap(commandParts),
  ]);
}
