#!/usr/bin/env node
import { CommanderError } from 'commander';
import { EXIT, KlorosError } from '../errors.ts';
import { reportError } from './fail.ts';
import type { GlobalOptions } from './home.ts';
import { makeProgram } from './program.ts';

/** Commander's own way to say that it printed help or the version because it was asked to. */
const NO_FAILURE = new Set(['commander.helpDisplayed', 'commander.version']);

/** The exit code of what Commander ended. */
function exitOf(error: CommanderError, json: boolean): number {
  if (NO_FAILURE.has(error.code)) return EXIT.done;
  // `kloros help`, or a noun without its verb: then the help is the message.
  if (error.code === 'commander.help') return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return reportError(new KlorosError('KLR_E_USAGE', message), json).exit;
}

/** Runs the command line and sets the exit code. */
async function main(argv: readonly string[]): Promise<void> {
  const program = await makeProgram(argv);
  const wantsJson = argv.includes('--json');
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    const { json = wantsJson } = program.opts<GlobalOptions>();
    process.exitCode = error instanceof CommanderError ? exitOf(error, json) : reportError(error, json).exit;
  }
}

/** A reader that went away (`| head`) is no error. */
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });

await main(process.argv.slice(2));
