import type { FileSystem } from '../files/filesystem.ts';
import { explainFileError } from '../files/write-atomic.ts';
import { chosenIn } from './stamp.ts';
import { systemctl, systemdRuns } from './systemctl.ts';
import type { Chosen, ServiceSettings } from './types.ts';
import { lookAtUnit, refuseOthers, removeUnit, type UnitFile, writeUnit } from './unit-files.ts';
import { generateUnits, mainUnit, unitNames } from './units.ts';

interface Place {
  readonly fs: FileSystem;
  /** Where the units stand. */
  readonly folder: string;
  /** Whether that is where systemd looks: elsewhere nothing is started. */
  readonly own: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface ServiceChange {
  readonly written: readonly string[];
  readonly removed: readonly string[];
  /** What was in the way, and where it stands now. */
  readonly kept: readonly string[];
  /** Whether systemd was told. */
  readonly started: boolean;
}

/** Every unit of this service, in any mode, as it stands; `wanted` is null for those that this mode has not. */
export function unitFiles(
  settings: ServiceSettings,
  { fs, folder }: Pick<Place, 'fs' | 'folder'>,
): UnitFile[] {
  const units = generateUnits(settings);
  return unitNames(settings.name).map((name) =>
    lookAtUnit(fs, folder, { name, text: units.find((unit) => unit.name === name)?.text ?? null }),
  );
}

const present = (files: readonly UnitFile[]) => files.filter(({ state }) => state !== 'absent');
const notNull = (names: readonly (string | null)[]) => names.filter((name) => name !== null);

function enabledOf(settings: ServiceSettings): string[] {
  return [mainUnit(settings.name, 'timer'), mainUnit(settings.name, 'daemon')];
}

/**
 * Writes the units and starts them. Units of the other mode go. Doing it again changes what follows from a changed
 * configuration, and nothing else.
 * @throws KLR_E_UNIT_EDITED, KLR_E_UNIT_FOREIGN without `force`; KLR_E_SYSTEMD, KLR_E_HOME_READ_ONLY, KLR_E_DISK_FULL
 */
export function installService(
  settings: ServiceSettings,
  place: Place,
  options: { readonly force: boolean },
): ServiceChange {
  const { fs, folder } = place;
  const files = unitFiles(settings, place);
  refuseOthers(files, options.force);
  const others = present(files.filter(({ wanted }) => wanted === null));
  const changed = files.filter(({ wanted, state }) => wanted !== null && state !== 'current');
  const started = place.own && systemdRuns(settings.scope, place.env);
  const stale = others.map(({ name }) => name).filter((name) => enabledOf(settings).includes(name));
  if (started && stale.length > 0) systemctl(settings.scope, 'disable', '--now', ...stale);
  try {
    fs.mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw explainFileError(error, folder);
  }
  const kept = notNull([
    ...others.map((file) => removeUnit(fs, file)),
    ...changed.map((file) => writeUnit(fs, file)),
  ]);
  if (started) {
    systemctl(settings.scope, 'daemon-reload');
    systemctl(settings.scope, 'enable', '--now', mainUnit(settings.name, settings.chosen.mode));
    // A daemon that runs goes on under its old unit until it is started again.
    if (settings.chosen.mode === 'daemon' && changed.length > 0)
      systemctl(settings.scope, 'restart', mainUnit(settings.name, settings.chosen.mode));
  }
  return {
    written: changed.map(({ path }) => path),
    removed: others.map(({ path }) => path),
    kept,
    started,
  };
}

/** Stops the service and takes its units away. @throws as `installService` */
export function uninstallService(
  settings: ServiceSettings,
  place: Place,
  options: { readonly force: boolean },
): ServiceChange {
  const files = present(unitFiles(settings, place));
  refuseOthers(files, options.force);
  const started = place.own && systemdRuns(settings.scope, place.env);
  const running = files.map(({ name }) => name).filter((name) => enabledOf(settings).includes(name));
  if (started && running.length > 0) systemctl(settings.scope, 'disable', '--now', ...running);
  const kept = notNull(files.map((file) => removeUnit(place.fs, file)));
  if (started) systemctl(settings.scope, 'daemon-reload');
  return { written: [], removed: files.map(({ path }) => path), kept, started };
}

/** What the person chose who installed this service last; null when it is not installed. */
export function installedChoice(name: string, { fs, folder }: Pick<Place, 'fs' | 'folder'>): Chosen | null {
  for (const unit of [`${name}-tick.service`, `${name}.service`]) {
    const { state, found } = lookAtUnit(fs, folder, { name: unit, text: null });
    const chosen = state === 'outdated' ? chosenIn(found) : null;
    if (chosen) return chosen;
  }
  return null;
}
