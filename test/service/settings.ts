import type { ServiceSettings } from '../../src/service/types.ts';

/** Settings of a service as an operator would have them. */
export function settings(over: Partial<ServiceSettings> = {}): ServiceSettings {
  return {
    name: 'kloros',
    scope: 'system',
    chosen: { mode: 'timer', writable: [], listen: null },
    program: ['/usr/bin/node', '/usr/lib/node_modules/kloros/bin/kloros.mjs'],
    home: '/var/lib/kloros',
    owner: { user: 'kloros', group: 'kloros' },
    writable: ['/etc/target'],
    intervalMs: 60_000,
    longestTickMs: 15_300_000,
    stopMs: 60_000,
    ...over,
  };
}

export const daemon = (over: Partial<ServiceSettings> = {}): ServiceSettings =>
  settings({ chosen: { mode: 'daemon', writable: [], listen: '127.0.0.1:9464' }, ...over });

/** The value of a setting in a unit; of the last line when it stands in several. */
export function settingOf(text: string, name: string): string | null {
  return (
    text
      .match(new RegExp(`^${name}=(.*)$`, 'gm'))
      ?.at(-1)
      ?.slice(name.length + 1) ?? null
  );
}
