import { Command, Option } from 'commander';
import { VERSION } from '../version.ts';
import { COMMANDS } from './commands.ts';

const EXAMPLES = `
Examples:
  $ kloros init && kloros enable && kloros run     begin
  $ kloros status                                  is it alive, what comes next, what waits for me
  $ kloros why cache_size                          which evidence put this value in force
  $ kloros kill "the database is melting"          stop everything within five seconds

Exit codes: 0 done, 1 internal error, 2 disabled, 3 killed, 4 lock held, 5 D-REAM failed, 6 PHASE failed,
7 baseline or apply failed, 64 usage, 65 bad data, 78 bad configuration, 124 timeout`;

/** All commands below `command`, at any depth. */
export function everyCommand(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...everyCommand(child)]);
}

/** Global options that take a value. */
const VALUED = new Set(['--home', '--config', '--color']);

/** The name of the command that is called; undefined when there is none, or it cannot be told. */
function calledName(argv: readonly string[]): string | undefined {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (!word.startsWith('-')) return word;
    if (VALUED.has(word)) i += 1;
  }
  return undefined;
}

/** The command that is called, alone: a tick loads no other. All of them for help, completion and what is unknown. */
function commandsFor(argv: readonly string[]): Promise<Command[]> {
  const name = calledName(argv);
  const one = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const loaders = one && name !== 'completion' ? [one] : Object.values(COMMANDS);
  return Promise.all(loaders.map((load) => load()));
}

/**
 * The command line: global options, and one command a file.
 * @param argv what it is made for; without it, it has every command
 */
export async function makeProgram(argv: readonly string[] = []): Promise<Command> {
  const program = new Command('kloros')
    .description(
      'Keeps a running system tuned, by itself and safely: search, validate at night, commit, watch, take back.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .option('--home <folder>', 'the state directory (KLOROS_HOME; default .kloros)')
    .option('--config <file>', 'kloros.yaml (KLOROS_CONFIG; default: the one that `kloros init` kept)')
    .option('--json', 'data as JSON on stdout, errors as JSON on stderr')
    .option('-q, --quiet', 'no progress and no notes on stderr')
    .addOption(new Option('--color <when>', 'colours').choices(['auto', 'always', 'never']).default('auto'))
    .option('--no-input', 'never ask; fail and name the option instead')
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .addHelpText('after', EXAMPLES);
  for (const command of await commandsFor(argv)) program.addCommand(command);
  for (const command of [program, ...everyCommand(program)])
    command
      .copyInheritedSettings(program)
      .exitOverride()
      .configureOutput({ outputError: () => {} });
  return program;
}
