import { join, relative } from 'node:path';
import type { Context } from '../context.ts';
import type { HomePaths } from '../home/paths.ts';
import type { Database } from '../store/database.ts';
import { owe } from '../store/outbox.ts';
import { contentName, manifestName, manifestText } from './manifest.ts';
import type { Baseline } from './types.ts';

/** A file of the baseline/ folder: where it stands, and what has to stand in it. */
export interface BaselineFile {
  readonly version: number;
  /** Absolute. */
  readonly path: string;
  readonly text: string;
}

/** The two files of a version. */
export function versionFiles({ baselineVersions }: HomePaths, b: Baseline): BaselineFile[] {
  return [
    { version: b.version, path: join(baselineVersions, contentName(b.version)), text: b.content },
    { version: b.version, path: join(baselineVersions, manifestName(b.version)), text: manifestText(b) },
  ];
}

/** The two files of the version in force. manifest.json comes last: it is the commit point for readers. */
export function currentFiles({ baselineFile, baselineManifest }: HomePaths, b: Baseline): BaselineFile[] {
  return [
    { version: b.version, path: baselineFile, text: b.content },
    { version: b.version, path: baselineManifest, text: manifestText(b) },
  ];
}

/** Inside a transaction: owes files in the order in which readers may see them. */
export async function oweFiles(
  tx: Database,
  { paths, clock }: Pick<Context, 'paths' | 'clock'>,
  files: readonly BaselineFile[],
): Promise<void> {
  for (const { path, text } of files) await owe(tx, clock.now(), relative(paths.root, path), text);
}
