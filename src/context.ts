import type { Config } from './config/schema.ts';
import type { FileSystem } from './files/filesystem.ts';
import type { HomePaths } from './home/paths.ts';
import type { Logger } from './log/structured.ts';
import type { Database } from './store/database.ts';
import type { Clock } from './time/clock.ts';

/**
 * What every part of KLoROS works with, passed in, so that tests can put a virtual clock, a faulty file system or an
 * in-memory database in its place.
 */
export interface Context {
  readonly paths: HomePaths;
  /** The folder of kloros.yaml: relative paths and commands of the configuration start there. */
  readonly configDir: string;
  readonly config: Config;
  /** SHA-256 of kloros.yaml, hex. */
  readonly configHash: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly fs: FileSystem;
  readonly log: Logger;
  /** Uniform in [0, 1). For ids and seeds only: searches and epochs draw from their own recorded seed. */
  readonly random: () => number;
  /** The environment of the process. */
  readonly env: Readonly<Record<string, string | undefined>>;
}
