import { basename, dirname, resolve } from 'node:path';
import { type FileSystem, nodeFileSystem } from '../files/filesystem.ts';
import { type Origin, originsOf } from './origins.ts';
import { problemsError } from './problem.ts';
import type { Config } from './schema.ts';
import { type ConfigSource, readSource } from './source.ts';

/** A sound configuration and where it comes from. */
export interface LoadedConfig {
  readonly config: Config;
  /** SHA-256 of the file's bytes, hex. */
  readonly hash: string;
  /** Absolute. */
  readonly file: string;
  /** The folder of the file, absolute: relative paths and commands of the configuration start there. */
  readonly dir: string;
  /** The line of each value that stands in the file, by dotted path. */
  readonly lines: ReadonlyMap<string, number>;
  /** Every value in force by its dotted path, and where it comes from. */
  origins(): Map<string, Origin>;
}

/** Puts together what is known of a checked file. */
export function loadedConfig(
  source: ConfigSource,
  config: Config,
  lines: ReadonlyMap<string, number>,
): LoadedConfig {
  const file = resolve(source.file);
  return {
    config,
    hash: source.hash,
    file,
    dir: dirname(file),
    lines,
    origins: () => originsOf(config, lines, basename(file)),
  };
}

/**
 * Reads and checks a configuration file. `home`: where KLoROS keeps its own state, absolute and without links;
 * no target may be in there.
 * @throws KLR_E_CONFIG_MISSING; KLR_E_CONFIG_SYNTAX for what is no YAML; KLR_E_CONFIG_INVALID with every mistake, each
 * as `file:line:column: what`, the line itself and a caret
 */
export async function loadConfig(
  file: string,
  options: { readonly home?: string; readonly fs?: FileSystem } = {},
): Promise<LoadedConfig> {
  const source = readSource(file, options.fs ?? nodeFileSystem);
  const { checkSource } = await import('./check.ts');
  const checked = checkSource(source, options.home);
  if (!checked.ok)
    throw problemsError(checked.broken ? 'KLR_E_CONFIG_SYNTAX' : 'KLR_E_CONFIG_INVALID', checked.problems);
  return loadedConfig(source, checked.config, checked.lines);
}
