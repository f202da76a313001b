import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { configTemplate } from '../config/template.ts';
import { nodeFileSystem } from '../files/filesystem.ts';
import { writeAtomic } from '../files/write-atomic.ts';
import { appendEvent } from '../store/ledger.ts';
import { getMeta, setMeta } from '../store/meta.ts';
import { openSqlite } from '../store/sqlite.ts';
import { systemClock } from '../time/clock.ts';
import { CONFIG_FILE_KEY } from './config-file.ts';
import { createHome } from './create.ts';
import type { HomePaths } from './paths.ts';

/** kloros.yaml is the user's own file, to be read by whoever may read the folder. */
const CONFIG_MODE = 0o644;

/**
 * Makes a home that knows its kloros.yaml, and writes a template there when there is none. Doing it again changes
 * nothing but the path of the configuration.
 * @param options.configFile absolute
 * @throws what `createHome` and `loadConfig` throw
 */
export async function initHome(options: {
  home: string;
  configFile: string;
  actor: string;
}): Promise<HomePaths> {
  const { home, configFile, actor } = options;
  if (!existsSync(configFile)) {
    nodeFileSystem.mkdirSync(dirname(configFile), { recursive: true });
    writeAtomic(nodeFileSystem, configFile, configTemplate(), { mode: CONFIG_MODE });
  }
  await loadConfig(configFile);
  const paths = await createHome(home, nodeFileSystem);
  const db = await openSqlite(paths.database);
  try {
    const now = systemClock.now();
    await db.transaction(async (tx) => {
      if ((await getMeta(tx, 'created_at')) === undefined) {
        await setMeta(tx, 'created_at', String(now));
        await appendEvent(tx, { ts: now, kind: 'home.created', subject: 'home', data: { actor } });
      }
      await setMeta(tx, CONFIG_FILE_KEY, configFile);
    });
  } finally {
    await db.close();
  }
  return paths;
}
