import { join } from 'node:path';
import { KlorosError } from '../errors.ts';
import type { FileSystem } from '../files/filesystem.ts';
import { keepAside } from '../files/keep-aside.ts';
import { explainFileError, writeAtomic } from '../files/write-atomic.ts';
import { authorship } from './stamp.ts';
import type { Unit } from './types.ts';

/** Units are read by the service manager and by whoever looks: there is no secret in them. */
const UNIT_MODE = 0o644;

/** How the file of a unit stands to what would be written. */
export type UnitState = 'absent' | 'current' | 'outdated' | 'edited' | 'foreign';

export interface UnitFile {
  readonly name: string;
  readonly path: string;
  readonly state: UnitState;
  /** The text that stands there; '' when there is none, or it is no plain file. */
  readonly found: string;
  /** What would be written; null for a unit that this mode does not have. */
  readonly wanted: string | null;
}

/** Looks at the file of a unit. A link (a masked unit) is somebody else's. */
export function lookAtUnit(
  fs: FileSystem,
  folder: string,
  unit: Pick<Unit, 'name'> & { readonly text: string | null },
): UnitFile {
  const path = join(folder, unit.name);
  const facts = { name: unit.name, path, wanted: unit.text };
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return { ...facts, state: 'absent', found: '' };
  if (!stat.isFile()) return { ...facts, state: 'foreign', found: '' };
  const found = fs.readFileSync(path, 'utf8');
  if (found === unit.text) return { ...facts, state: 'current', found };
  const author = authorship(found);
  return { ...facts, state: author === 'own' ? 'outdated' : author, found };
}

const isOthers = ({ state }: UnitFile) => state === 'edited' || state === 'foreign';

/** @throws KLR_E_UNIT_EDITED, KLR_E_UNIT_FOREIGN when one of the files is not as we wrote it, unless `force` */
export function refuseOthers(files: readonly UnitFile[], force: boolean): void {
  const others = force ? [] : files.filter(isOthers);
  if (others.length === 0) return;
  const words = others.map(
    ({ path, state }) => `${path} ${state === 'edited' ? 'was edited' : 'is not ours'}`,
  );
  throw new KlorosError(
    others.some(({ state }) => state === 'foreign') ? 'KLR_E_UNIT_FOREIGN' : 'KLR_E_UNIT_EDITED',
    `${words.join('; ')}: nothing was changed`,
    { where: others[0]?.path ?? '' },
  );
}

/** Takes a unit's file away: what is not as we wrote it is kept beside. The name that it was kept under, or null. */
export function removeUnit(fs: FileSystem, file: UnitFile): string | null {
  try {
    if (isOthers(file)) return keepAside(fs, file.path);
    if (file.state !== 'absent') fs.unlinkSync(file.path);
    return null;
  } catch (error) {
    throw explainFileError(error, file.path);
  }
}

/** Puts a unit in place. The name under which what stood there was kept, or null. */
export function writeUnit(fs: FileSystem, file: UnitFile): string | null {
  if (file.wanted === null || file.state === 'current') return null;
  const kept = isOthers(file) ? removeUnit(fs, file) : null;
  writeAtomic(fs, file.path, file.wanted, { mode: UNIT_MODE });
  return kept;
}
