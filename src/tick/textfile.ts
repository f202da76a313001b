import { resolve } from 'node:path';
import type { Context } from '../context.ts';
import { writeAtomic } from '../files/write-atomic.ts';
import { metricsText } from './metrics.ts';

/** While an action is under way the file is renewed this often, ms: its age says that the loop lives. */
const RENEW_MS = 60_000;

/**
 * Writes every metric into a file that node_exporter's textfile collector reads: whole or not at all. Others may read
 * it, since node_exporter is another user.
 * @throws KLR_E_DISK_FULL, KLR_E_HOME_READ_ONLY
 */
export async function writeTextfile(ctx: Omit<Context, 'log' | 'random'>, path: string): Promise<void> {
  writeAtomic(ctx.fs, path, await metricsText(ctx, 'text'), { mode: 0o644 });
}

/** The configured file, or null. */
export function textfilePath({ config, configDir }: Pick<Context, 'config' | 'configDir'>): string | null {
  const { textfile } = config.metrics;
  return textfile === undefined ? null : resolve(configDir, textfile);
}

/** Renews the configured file, if there is one. Metrics that cannot be written are no reason to end the loop. */
export async function renewTextfile(ctx: Context): Promise<void> {
  const path = textfilePath(ctx);
  if (path === null) return;
  try {
    await writeTextfile(ctx, path);
  } catch (error) {
    ctx.log.event('metrics.textfile_failed', { path, reason: String(error) });
  }
}

/** Renews the configured file now and each minute, until what it returns is called. */
export async function keepTextfile(ctx: Context): Promise<() => void> {
  await renewTextfile(ctx);
  const timer = setInterval(() => void renewTextfile(ctx), RENEW_MS);
  return () => clearInterval(timer);
}
