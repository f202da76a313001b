import { homedir, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { longestStopMs, longestTickMs } from './limits.ts';
import type { Chosen, Scope, ServiceSettings } from './types.ts';

/** What a person chooses; the rest follows from the home and its configuration. */
export interface ServiceChoice {
  readonly name: string;
  readonly scope: Scope;
  readonly chosen: Chosen;
  readonly program: readonly string[];
  /** User and group of the service; null: who owns the home. */
  readonly user: string | null;
}

/** The name behind a number, by a file of the form of passwd(5) or group(5); the number where there is none. */
function nameOf(ctx: Pick<Context, 'fs'>, file: string, id: number): string {
  const lines = ctx.fs.existsSync(file) ? ctx.fs.readFileSync(file, 'utf8').split('\n') : [];
  return lines.map((line) => line.split(':')).find((fields) => fields[2] === String(id))?.[0] ?? String(id);
}

function ownerOf(
  ctx: Pick<Context, 'fs' | 'paths'>,
  choice: Pick<ServiceChoice, 'scope' | 'user'>,
): ServiceSettings['owner'] {
  const { uid, gid } = ctx.fs.statSync(ctx.paths.root);
  if (choice.scope === 'user') {
    if (uid !== userInfo().uid)
      throw new KlorosError('KLR_E_OWNER', `${ctx.paths.root} belongs to user ${uid}`, {
        where: ctx.paths.root,
        hint: 'Install a service of its own user: log in as that user, or leave out --user.',
      });
    return null;
  }
  const user = nameOf(ctx, '/etc/passwd', uid);
  if (choice.user !== null && choice.user !== user)
    throw new KlorosError('KLR_E_OWNER', `${ctx.paths.root} belongs to ${user}, not to ${choice.user}`, {
      where: ctx.paths.root,
      hint: `Give it away first: chown -R ${choice.user} ${ctx.paths.root}`,
    });
  return { user, group: nameOf(ctx, '/etc/group', gid) };
}

/** Folders outside the home that the loop itself writes: those of the targets, and of the metrics' textfile. */
function writtenFolders(ctx: Pick<Context, 'config' | 'configDir'>): string[] {
  const targets = Object.values(ctx.config.experiments).flatMap(({ apply }) => (apply ? [apply.file] : []));
  const { textfile } = ctx.config.metrics;
  return [...targets, ...(textfile === undefined ? [] : [textfile])].map((file) =>
    dirname(resolve(ctx.configDir, file)),
  );
}

/** @throws KLR_E_OWNER when the home is not that of the service's user */
export function serviceSettings(
  ctx: Pick<Context, 'config' | 'configDir' | 'fs' | 'paths'>,
  choice: ServiceChoice,
): ServiceSettings {
  const { name, scope, chosen, program } = choice;
  const writable = [...writtenFolders(ctx), ...chosen.writable];
  return {
    name,
    scope,
    chosen,
    program,
    home: ctx.paths.root,
    owner: ownerOf(ctx, choice),
    writable: [...new Set(writable)].sort(),
    intervalMs: ctx.config.tick.interval,
    longestTickMs: longestTickMs(ctx.config),
    stopMs: longestStopMs(ctx.config),
  };
}

/** Where units of a scope stand. */
export function unitFolder(scope: Scope, env: Readonly<Record<string, string | undefined>>): string {
  if (scope === 'system') return '/etc/systemd/system';
  return join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'systemd', 'user');
}
