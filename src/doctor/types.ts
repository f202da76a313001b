import type { LoadedConfig } from '../config/load.ts';
import type { Context } from '../context.ts';
import type { FileSystem } from '../files/filesystem.ts';
import type { HomePaths } from '../home/paths.ts';
import type { Clock } from '../time/clock.ts';

/** `error`: not to be enabled like this. `warning`: it runs, and somebody should look. */
export type Level = 'error' | 'warning';

/** What is wrong, and the command that mends it. */
export interface Finding {
  /** A dotted word that stays the same over versions: home.mode, program.missing, … */
  readonly code: string;
  readonly level: Level;
  /** What is wrong, with the path or key. */
  readonly what: string;
  /** A command for a shell. */
  readonly mend: string;
  /** Whether it is about data that were damaged. */
  readonly damage?: boolean;
  /** Mends it: nothing is lost by it. Absent where a person has to decide. */
  readonly fix?: (ctx: Context | null) => void | Promise<void>;
}

/** What the examination works with. Nothing of it has to be sound. */
export interface Patient {
  /** Absolute; links followed as far as they can be. */
  readonly paths: HomePaths;
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** File systems that are known to keep the locks' promise though they are of a network. */
  readonly allowedFileSystems: readonly string[];
  /** Folders of units: the machine's and the user's. */
  readonly unitFolders: readonly string[];
}

/** What is known once the database and the configuration could be read. */
export interface Opened {
  readonly ctx: Context;
  readonly loaded: LoadedConfig;
}

export type HomeCheck = (patient: Patient) => Finding[] | Promise<Finding[]>;
export type LoopCheck = (patient: Patient, opened: Opened) => Finding[] | Promise<Finding[]>;

/** A word of a shell command. */
export const word = (text: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** `kloros` on this home. */
export const kloros = ({ paths }: Pick<Patient, 'paths'>, args: string): string =>
  `kloros --home ${word(paths.root)} ${args}`;

/** Opens the configuration where a key stands. */
export function editAt({ loaded }: Opened, path: string): string {
  const parts = path.split('.');
  for (let n = parts.length; n > 0; n--) {
    const line = loaded.lines.get(parts.slice(0, n).join('.'));
    if (line !== undefined) return `"$EDITOR" +${line} ${word(loaded.file)}`;
  }
  return `"$EDITOR" ${word(loaded.file)}`;
}
