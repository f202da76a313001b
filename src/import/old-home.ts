import { join, resolve } from 'node:path';
import { KlorosError } from '../errors.ts';
import type { FileSystem } from '../files/filesystem.ts';
import type { OldHome } from './types.ts';

/** Where the first system kept things, and where a home of today does; the first that is there counts. */
const PLACES = {
  promotions: ['artifacts/dream/promotions', 'promotions'],
  acks: ['artifacts/dream/promotions_ack', 'promotions_ack'],
  processed: ['.kloros/processed', 'processed'],
  signals: ['.kloros/signals', 'signals'],
  intents: ['.kloros/intents', 'intents'],
  escrow: ['.kloros/escrow', 'escrow'],
  baseline: ['system/baseline', 'baseline'],
} as const;

const ENVIRONMENTS = ['.kloros_env', '.kloros/.kloros_env', 'kloros.env'];

/** Finds the parts of an old home. @throws KLR_E_IMPORT_NOTHING when none is there */
export function findOldHome(folder: string, fs: FileSystem): OldHome {
  const root = resolve(folder);
  const isFolder = (path: string) => fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const find = (places: readonly string[]) => places.map((place) => join(root, place)).find(isFolder) ?? null;
  const found = {
    promotions: find(PLACES.promotions),
    acks: find(PLACES.acks),
    processed: find(PLACES.processed),
    signals: find(PLACES.signals),
    intents: find(PLACES.intents),
    escrow: find(PLACES.escrow),
    baseline: find(PLACES.baseline),
  };
  const environments = ENVIRONMENTS.map((name) => join(root, name)).filter((path) => fs.existsSync(path));
  if (Object.values(found).every((path) => path === null) && environments.length === 0)
    throw new KlorosError('KLR_E_IMPORT_NOTHING', `${root} holds nothing of an earlier system`, {
      where: root,
    });
  return { root, fs, uid: fs.statSync(root).uid, environments, ...found };
}
