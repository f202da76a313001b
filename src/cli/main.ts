#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import { KlorosError } from '../errors.ts';
import { COMMANDS } from './commands.ts';
import { reportError } from './fail.ts';
import type { GlobalOptions } from './home.ts';

/** Commander's own way to say that it printed help or the version. */
const NO_FAILURE = new Set(['commander.helpDisplayed', 'commander.help', 'commander.version']);

/** The command line: global options, and one command a file. */
export function makeProgram(): Command {
  const program = new Command('kloros')
    .description(
      'Keeps a running system tuned, by itself and safely: search, validate at night, commit, watch, take back.',
    )
    .version('0.1.0', '-V, --version', 'print the version')
    .option('--home <folder>', 'the state directory (KLOROS_HOME; default .kloros)')
    .option('--config <file>', 'kloros.yaml (KLOROS_CONFIG; default: the one that `kloros init` kept)')
    .option('--json', 'data as JSON on stdout, errors as JSON on stderr')
    .option('-q, --quiet', 'no progress and no notes on stderr')
    .addOption(new Option('--color <when>', 'colours').choices(['auto', 'always', 'never']).default('auto'))
    .option('--no-input', 'never ask; fail and name the option instead')
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .addHelpText(
      'after',
      `
Examples:
  $ kloros init && kloros enable && kloros run     begin
  $ kloros status                                  is it alive, what comes next, what waits for me
  $ kloros why cache_size                          which evidence put this value in force
  $ kloros kill "the database is melting"          stop everything within five seconds

Exit codes: 0 done, 1 internal error, 2 disabled, 3 killed, 4 lock held, 5 D-REAM failed, 6 PHASE failed,
7 baseline or apply failed, 64 usage, 65 bad data, 78 bad configuration, 124 timeout`,
    );
  for (const add of COMMANDS) program.addCommand(add());
  for (const command of [program, ...everyCommand(program)])
    command.exitOverride().configureOutput({ outputError: () => {} });
  return program;
}

/** All commands below `command`, at any depth. */
export function everyCommand(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...everyCommand(child)]);
}

function asKlorosError(error: CommanderError): KlorosError {
  const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return new KlorosError('KLR_E_USAGE', message);
}

/** Runs the command line and sets the exit code. */
async function main(argv: readonly string[]): Promise<void> {
  const program = makeProgram();
  const wantsJson = argv.includes('--json');
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      if (NO_FAILURE.has(error.code)) return;
      process.exitCode = reportError(asKlorosError(error), wantsJson).exit;
      return;
    }
    const { json } = program.opts<GlobalOptions>();
    process.exitCode = reportError(error, json ?? wantsJson).exit;
  }
}

/** A reader that went away (`| head`) is no error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

if (import.meta.main) await main(process.argv.slice(2));
