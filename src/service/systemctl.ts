import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { KlorosError } from '../errors.ts';
import type { Scope } from './types.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** How long systemctl may take, ms. */
const PATIENCE_MS = 60_000;

/** Whether a service manager of the scope runs here (sd_booted(3); a user's has its socket). */
export function systemdRuns(scope: Scope, env: Environment): boolean {
  if (scope === 'system') return existsSync('/run/systemd/system');
  return env.XDG_RUNTIME_DIR !== undefined && existsSync(join(env.XDG_RUNTIME_DIR, 'systemd'));
}

function run(scope: Scope, args: readonly string[]) {
  const words = [...(scope === 'user' ? ['--user'] : []), '--no-ask-password', ...args];
  return { words, ...spawnSync('systemctl', words, { encoding: 'utf8', timeout: PATIENCE_MS }) };
}

/** Runs systemctl. @throws KLR_E_SYSTEMD with what it said */
export function systemctl(scope: Scope, ...args: readonly string[]): void {
  const { words, status, stderr, error } = run(scope, args);
  if (status === 0) return;
  const why = error ? error.message : stderr.trim() || `it ended with ${status}`;
  throw new KlorosError('KLR_E_SYSTEMD', `systemctl ${words.join(' ')}: ${why}`);
}

/** A unit's state as systemd tells it, such as active and enabled; null where no systemd runs. */
export function unitActivity(
  scope: Scope,
  unit: string,
  env: Environment,
): { readonly active: string; readonly enabled: string } | null {
  if (!systemdRuns(scope, env)) return null;
  const { stdout } = run(scope, ['show', '--property=ActiveState,UnitFileState', unit]);
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout ?? '')?.[1] || 'unknown';
  return { active: value('ActiveState'), enabled: value('UnitFileState') };
}

/** When an OnCalendar expression elapses next, as `systemd-analyze calendar` tells it; null where it cannot be asked. */
export function nextElapse(calendar: string): string | null {
  const { status, stdout } = spawnSync('systemd-analyze', ['calendar', calendar], { encoding: 'utf8' });
  return status === 0 ? (/Next elapse: (.*)$/m.exec(stdout)?.[1] ?? null) : null;
}
