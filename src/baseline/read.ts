import { join } from 'node:path';
import type { Params } from '../config/parameters.ts';
import { KlorosError } from '../errors.ts';
import { type FileSystem, nodeFileSystem } from '../files/filesystem.ts';
import { sha256Hex } from '../store/json.ts';
import { parseContent } from './content.ts';
import { contentName, type Manifest, parseManifest } from './manifest.ts';

/** A baseline as a reader of the folder gets it: whole, its hash checked. */
export interface ReadableBaseline {
  readonly version: number;
  readonly sha256: string;
  /** baseline.yaml of this version, byte for byte. */
  readonly content: string;
  readonly manifest: Manifest;
  /** Experiment → complete configuration. */
  readonly params: Readonly<Record<string, Params>>;
}

/** One look at the folder: null when a file is missing or does not fit to the other. */
function look(fs: FileSystem, folder: string): Omit<ReadableBaseline, 'params'> | null {
  try {
    const manifest = parseManifest(fs.readFileSync(join(folder, 'manifest.json'), 'utf8'));
    if (!manifest) return null;
    const bytes = fs.readFileSync(join(folder, 'versions', contentName(manifest.version)));
    if (sha256Hex(bytes) !== manifest.sha256) return null;
    const { version, sha256 } = manifest;
    return { version, sha256, content: bytes.toString('utf8'), manifest };
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null;
    throw error;
  }
}

/** Whether nothing was ever committed here: neither a manifest nor a version. */
function isUntouched(fs: FileSystem, folder: string): boolean {
  if (fs.existsSync(join(folder, 'manifest.json'))) return false;
  const versions = join(folder, 'versions');
  return !fs.existsSync(versions) || !fs.readdirSync(versions).some((name) => name.startsWith('manifest_v'));
}

/**
 * Reads the baseline in force from a home's baseline/ folder, for programs beside KLoROS: manifest.json names the
 * version, its file is read and its SHA-256 checked; a version that was replaced meanwhile is read again once.
 * @returns null when nothing was committed yet
 * @throws KLR_E_BASELINE_TORN when what stands there is no whole baseline: keep what you have
 * @example const baseline = await readBaseline('/var/lib/kloros/baseline');
 */
export async function readBaseline(
  folder: string,
  fs: FileSystem = nodeFileSystem,
): Promise<ReadableBaseline | null> {
  const found = look(fs, folder) ?? look(fs, folder);
  if (found) return { ...found, params: await parseContent(found.content) };
  if (isUntouched(fs, folder)) return null;
  throw new KlorosError('KLR_E_BASELINE_TORN', `no whole baseline can be read in ${folder}`, {
    where: folder,
  });
}
