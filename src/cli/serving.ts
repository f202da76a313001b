import type { Command } from 'commander';
import { withHome } from './home.ts';

/** The options of a command that serves metrics. */
export interface ServeOptions {
  readonly listen?: string;
  readonly allowHost?: readonly string[];
}

/** Adds --listen and --allow-host. */
export function withServeOptions(command: Command): Command {
  return command
    .option('--listen <address>', 'serve GET /metrics and /healthz there, such as 127.0.0.1:9464')
    .option('--allow-host <names...>', 'other Host names to answer to; needed to listen beyond this machine');
}

/**
 * Serves metrics while `work` lasts, from a context of its own: a scrape reads what is committed and nothing else.
 * Without --listen `work` is all that happens.
 * @throws KLR_E_USAGE, KLR_E_LISTEN
 */
export async function serving<T>(
  command: Command,
  { listen, allowHost }: ServeOptions,
  work: () => Promise<T>,
): Promise<T> {
  if (listen === undefined) return work();
  const { parseListen } = await import('../server/listen-address.ts');
  const { startMetricsServer } = await import('../server/metrics-server.ts');
  const address = parseListen(listen, allowHost);
  return withHome(command, 'read', async (ctx, out) => {
    const server = await startMetricsServer(ctx, address);
    out.note(`metrics at ${server.url}/metrics`);
    try {
      return await work();
    } finally {
      await server.close();
    }
  });
}
