import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { KlorosError } from '../errors.ts';
import { globalsOf } from './home.ts';
import { printable } from './output.ts';

function unanswered(message: string, hint: string): KlorosError {
  return new KlorosError('KLR_E_USAGE', message, { hint });
}

/**
 * Lets a person confirm on a terminal by typing `word`; elsewhere the option --yes has to say so.
 * @param plan what will happen, printed first
 * @throws KLR_E_USAGE when nobody can be asked, or the answer is another one
 */
export async function confirm(
  command: Command,
  ask: { readonly plan: string; readonly word: string; readonly yes: boolean },
): Promise<void> {
  if (ask.yes) return;
  if (!globalsOf(command).input || !process.stdin.isTTY || !process.stderr.isTTY)
    throw unanswered(
      `${command.name()} asks before it acts, and here nobody can answer`,
      'Look with --dry-run, then add --yes.',
    );
  process.stderr.write(`${printable(ask.plan)}\n`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const gone = new AbortController();
  terminal.once('close', () => gone.abort());
  const answer = await terminal
    .question(`Type ${ask.word} to go on: `, { signal: gone.signal })
    .catch(() => '');
  terminal.close();
  if (answer.trim() !== ask.word)
    throw unanswered(
      'not confirmed: nothing was changed',
      `Run it again and type ${ask.word}, or add --yes.`,
    );
}
