import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { closeContext, openContext } from '../home/open.ts';
import { userName } from '../home/user.ts';
import { type ColorChoice, makeOutput, type Output } from './output.ts';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly home?: string;
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color: ColorChoice;
  readonly input: boolean;
}

/** Where the state lives when nobody says: beside the configuration that is being worked on. */
const DEFAULT_HOME = '.kloros';

export function globalsOf(command: Command): GlobalOptions {
  return command.optsWithGlobals<GlobalOptions>();
}

export function homeOf(options: GlobalOptions): string {
  return resolve(options.home ?? process.env.KLOROS_HOME ?? DEFAULT_HOME);
}

export function outputOf(command: Command): Output {
  const { json = false, quiet = false, color } = globalsOf(command);
  return makeOutput({ json, quiet, color });
}

/** Opens the home, does the work, closes it. `readOnly` for what only looks. */
export async function withHome<T>(
  command: Command,
  access: 'read' | 'write',
  work: (ctx: Context, out: Output) => Promise<T>,
): Promise<T> {
  const options = globalsOf(command);
  const ctx = await openContext({
    home: homeOf(options),
    ...(options.config === undefined ? {} : { configFile: options.config }),
    env: process.env,
    readOnly: access === 'read',
  });
  try {
    return await work(ctx, outputOf(command));
  } finally {
    await closeContext(ctx);
  }
}

/** Who acts, for the record: the name of the user, and of the one behind sudo. */
export function actor(): string {
  const user = userName();
  const behind = process.env.SUDO_USER;
  return behind && behind !== user ? `${user} (${behind})` : user;
}
