import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { KlorosError } from '../errors.ts';
import type { Chosen, ServiceMode } from '../service/types.ts';
import { withHome } from './home.ts';

export interface ServiceOptions {
  readonly user?: boolean;
  readonly mode?: ServiceMode;
  readonly name: string;
  readonly as?: string;
  readonly writable?: readonly string[];
  readonly listen?: string;
  readonly unitDir?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

/** Letters, digits and dashes: part of the name of a unit and of a folder. */
function serviceName(text: string): string {
  if (/^[a-z][a-z0-9-]{0,40}$/.test(text)) return text;
  throw new KlorosError('KLR_E_USAGE', `--name ${text}: a lower-case letter, then letters, digits and -`);
}

const gathered = (value: string, before: readonly string[] = []) => [...before, resolve(value)];

export function withServiceOptions(command: Command): Command {
  return command
    .option('--user', 'for the systemd of the user who calls, not of the machine')
    .addOption(
      new Option(
        '--mode <mode>',
        'a timer that ticks, or a daemon (default: as installed, else timer)',
      ).choices(['timer', 'daemon']),
    )
    .option('--name <name>', 'start of the names of the units; one a home', serviceName, 'kloros')
    .option('--as <user>', 'user of the service; has to own the home (default: who owns it)')
    .option(
      '--writable <folder>',
      'a folder that evaluators or reload commands write to; repeatable',
      gathered,
    )
    .option('--listen <address>', 'for --mode daemon: where metrics are read, such as 127.0.0.1:9464')
    .option('--unit-dir <folder>', 'look for units there, and start nothing: for packages and images');
}

/** What is asked for now, what was chosen when the service was installed, or the default. */
function choose(options: ServiceOptions, installed: Chosen | null): Chosen {
  return {
    mode: options.mode ?? installed?.mode ?? 'timer',
    writable: options.writable ?? installed?.writable ?? [],
    listen: options.listen ?? installed?.listen ?? null,
  };
}

/** The service that is meant, and where its units stand. */
export async function serviceOf(command: Command, options: ServiceOptions) {
  const { serviceSettings, unitFolder } = await import('../service/settings.ts');
  const { installedChoice } = await import('../service/install.ts');
  const { user, name, unitDir } = options;
  const scope = user ? ('user' as const) : ('system' as const);
  return withHome(command, 'read', async (ctx, out) => {
    const folder = unitDir === undefined ? unitFolder(scope, process.env) : resolve(unitDir);
    const place = { fs: ctx.fs, folder, own: unitDir === undefined, env: process.env };
    const settings = serviceSettings(ctx, {
      name,
      scope,
      chosen: choose(options, installedChoice(name, place)),
      // As it is to be started again: this Node.js, and the file that npm's link leads to.
      program: [process.execPath, realpathSync(process.argv[1] ?? '')],
      user: options.as ?? null,
    });
    return { settings, place, out };
  });
}
