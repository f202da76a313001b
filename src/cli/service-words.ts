import type { FileSystem } from '../files/filesystem.ts';
import type { ServiceChange } from '../service/install.ts';
import type { ServiceMode, ServiceSettings, Unit } from '../service/types.ts';
import { pairs, table } from './output.ts';

/** What `kloros service status` shows. */
export interface ServiceStatus {
  readonly mode: ServiceMode;
  readonly units: readonly {
    readonly name: string;
    readonly path: string;
    readonly file: string;
    readonly active: string;
    readonly enabled: string;
  }[];
  /** Next elapse of the timer, as systemd tells it. */
  readonly next: string | null;
  readonly systemd: boolean;
}

export async function statusOf(
  settings: ServiceSettings,
  place: { readonly fs: FileSystem; readonly folder: string; readonly env: NodeJS.ProcessEnv },
): Promise<ServiceStatus> {
  const { calendarFor } = await import('../service/calendar.ts');
  const { unitFiles } = await import('../service/install.ts');
  const { nextElapse, systemdRuns, unitActivity } = await import('../service/systemctl.ts');
  const units = unitFiles(settings, place)
    .filter(({ wanted, state }) => wanted !== null || state !== 'absent')
    .map(({ name, path, state }) => {
      const activity = unitActivity(settings.scope, name, place.env);
      return {
        name,
        path,
        file: state,
        active: activity?.active ?? 'unknown',
        enabled: activity?.enabled ?? 'unknown',
      };
    });
  return {
    mode: settings.chosen.mode,
    units,
    next: settings.chosen.mode === 'timer' ? nextElapse(calendarFor(settings.intervalMs)) : null,
    systemd: systemdRuns(settings.scope, place.env),
  };
}

export function statusWords(status: ServiceStatus): string {
  const rows = status.units.map((u) => [u.name, u.file, u.active, u.enabled]);
  const facts: [string, string][] = [
    ['systemd', status.systemd ? 'runs' : 'no systemd of this scope runs here'],
    ...(status.next === null ? [] : [['next', status.next] as [string, string]]),
  ];
  return `${table(['UNIT', 'FILE', 'ACTIVE', 'ENABLED'], rows)}\n\n${pairs(facts)}`;
}

/** Units as they would be written, one after the other. */
export const unitsWords = (shown: { readonly folder: string; readonly units: readonly Unit[] }): string =>
  shown.units.map(({ name, text }) => `# ${shown.folder}/${name}\n${text}`).join('\n');

/** What became of files. */
export function changeWords(change: ServiceChange): string[] {
  const lines = [
    ...change.kept.map((path) => `kept:    ${path}`),
    ...change.removed.map((path) => `removed: ${path}`),
    ...change.written.map((path) => `written: ${path}`),
  ];
  return lines.length === 0 ? ['no unit changed'] : lines;
}

export const diffWords = (shown: {
  readonly units: readonly { readonly path: string; readonly state: string; readonly diff: string }[];
}): string => shown.units.map((u) => `${u.path}: ${u.state}${u.diff === '' ? '' : `\n${u.diff}`}`).join('\n');
