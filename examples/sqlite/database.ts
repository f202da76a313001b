import { DatabaseSync } from 'node:sqlite';

/** The knobs, as kloros.yaml and settings.toml name them. */
export interface Settings {
  readonly page_size: number;
  readonly journal_mode: string;
  readonly synchronous: string;
  /** KiB. */
  readonly cache_size: number;
  /** MiB. */
  readonly mmap_size: number;
  readonly temp_store: string;
  /** Pages; only in WAL mode. */
  readonly wal_autocheckpoint?: number;
}

/** The PRAGMA statements that put the settings in force; `page_size` counts only before the first table. */
export function pragmas(settings: Settings): string[] {
  return [
    `page_size = ${settings.page_size}`,
    `journal_mode = ${settings.journal_mode}`,
    `synchronous = ${settings.synchronous}`,
    `cache_size = ${-settings.cache_size}`,
    `mmap_size = ${settings.mmap_size * 2 ** 20}`,
    `temp_store = ${settings.temp_store}`,
    ...(settings.wal_autocheckpoint === undefined
      ? []
      : [`wal_autocheckpoint = ${settings.wal_autocheckpoint}`]),
  ];
}

/** Opens or creates a database with the settings in force. */
export function openDatabase(file: string, settings: Settings): DatabaseSync {
  const db = new DatabaseSync(file);
  for (const pragma of pragmas(settings)) db.exec(`PRAGMA ${pragma}`);
  return db;
}

/** What one PRAGMA says now. */
export function readPragma(db: DatabaseSync, name: string): unknown {
  return Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}
