import type { Command } from 'commander';
import { everyCommand, makeProgram } from '../../src/cli/program.ts';
import { VERSION } from '../../src/version.ts';

/** A text in man's own language: nothing in it is an instruction. */
const plain = (text: string) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .split('\n')
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join('\n');

const sentence = (text: string) =>
  `${text.startsWith('kloros.') ? text : text.charAt(0).toUpperCase() + text.slice(1)}.`;

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

const options = (command: Command) =>
  command.options.flatMap(({ flags, description }) => [
    '.TP',
    `.B ${plain(flags)}`,
    plain(sentence(description)),
  ]);

const parameters = (command: Command) =>
  command.registeredArguments.flatMap((argument) => [
    '.TP',
    `.I ${plain(argument.name())}`,
    plain(sentence(argument.description)),
  ]);

const commandPart = (command: Command) => [
  '.SS',
  `${plain(`${pathOf(command)} ${command.usage()}`)}`,
  plain(sentence(command.description())),
  ...parameters(command),
  ...options(command),
];

const EXIT_CODES: readonly (readonly [number, string])[] = [
  [0, 'done; also when there was nothing to do'],
  [1, 'internal error'],
  [2, 'disabled'],
  [3, 'the kill switch is set'],
  [4, 'another process holds the lock'],
  [5, 'D-REAM failed'],
  [6, 'PHASE failed'],
  [7, 'a baseline could not be committed or applied'],
  [64, 'wrong usage'],
  [65, 'bad data'],
  [78, 'bad configuration'],
  [124, 'timeout'],
];

const VARIABLES: readonly (readonly [string, string])[] = [
  ['KLOROS_HOME', 'The state directory.'],
  ['KLOROS_CONFIG', 'The path of kloros.yaml.'],
  ['KLR_ORCHESTRATION_MODE', 'Overrides the stored mode: disabled, observe or enabled.'],
  ['NO_COLOR', 'No colours.'],
];

/** man/kloros.1, from the tree of commands. */
export async function manPage(): Promise<string> {
  const program = await makeProgram();
  const tagged = (tag: string, text: string) => ['.TP', `.B ${plain(tag)}`, plain(text)];
  return `${[
    `.TH KLOROS 1 "" "kloros ${VERSION}" "User Commands"`,
    '.SH NAME',
    'kloros \\- keep a running system tuned, by itself and safely',
    '.SH SYNOPSIS',
    '.B kloros',
    '.RI [ options ]',
    '.I command',
    '.RI [ arguments ]',
    '.SH DESCRIPTION',
    plain(program.description()),
    '.SH OPTIONS',
    ...options(program),
    '.SH COMMANDS',
    ...everyCommand(program).flatMap(commandPart),
    '.SH EXIT STATUS',
    ...EXIT_CODES.flatMap(([code, text]) => tagged(String(code), sentence(text))),
    '.SH ENVIRONMENT',
    ...VARIABLES.flatMap(([name, text]) => tagged(name, text)),
    '.SH FILES',
    ...tagged('kloros.yaml', 'What is tuned, how it is measured, and the rules.'),
    ...tagged('.kloros/', 'The home, unless another one is named.'),
  ].join('\n')}\n`;
}
