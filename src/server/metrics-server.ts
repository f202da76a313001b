import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { CONTENT_TYPE, type Format, formatFor } from '../metrics/exposition.ts';
import { metricsText } from '../tick/metrics.ts';
import { isOwnHost, type ListenAddress } from './listen-address.ts';

/** What a client may use. A scraper needs a fraction of it. */
const LIMITS = { body: 1024, headers: 16 * 1024, connections: 50, requestMs: 10_000 } as const;

export interface MetricsServer {
  /** Where it listens, such as http://127.0.0.1:9464. */
  readonly url: string;
  /** Ends it; requests under way are answered. */
  close(): Promise<void>;
}

/** Renders at most once at a time for each format: who asks meanwhile gets the same text. */
function shared(render: (format: Format) => Promise<string>): (format: Format) => Promise<string> {
  const underWay = new Map<Format, Promise<string>>();
  return (format) => {
    const running = underWay.get(format);
    if (running) return running;
    const started = render(format).finally(() => underWay.delete(format));
    underWay.set(format, started);
    return started;
  };
}

function explain(error: unknown, { host, port }: ListenAddress): KlorosError {
  const { code, message } = error as { code?: string; message?: string };
  const where = `${host}:${port}`;
  return new KlorosError('KLR_E_LISTEN', `cannot listen on ${where}: ${code ?? message}`, {
    where,
    cause: error,
  });
}

/**
 * Serves `GET /metrics` (OpenMetrics or the text format 0.0.4, by the Accept header) and `GET /healthz`. It only reads,
 * answers only under its own names, and to nothing else.
 * @param ctx best opened for reading alone, so that a scrape never sees the inside of a transaction
 * @throws KLR_E_LISTEN
 */
export async function startMetricsServer(
  ctx: Omit<Context, 'log' | 'random'>,
  address: ListenAddress,
): Promise<MetricsServer> {
  const app = fastify({
    logger: false,
    bodyLimit: LIMITS.body,
    requestTimeout: LIMITS.requestMs,
    connectionTimeout: LIMITS.requestMs,
    forceCloseConnections: 'idle',
    http: { maxHeaderSize: LIMITS.headers },
  });
  app.server.maxConnections = LIMITS.connections;
  const render = shared((format) => metricsText(ctx, format));
  const port = () => (app.server.address() as AddressInfo).port;

  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
    if (!isOwnHost(request.headers.host, address.names, port()))
      return reply.code(421).type('text/plain').send('this server goes by another name\n');
    return undefined;
  });
  app.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
    // What went wrong inside is nobody's business outside.
    const code = error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 503;
    return reply.code(code).type('text/plain').send('not available\n');
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).type('text/plain').send('not found\n'));
  app.get('/metrics', async (request, reply) => {
    const format = formatFor(request.headers.accept);
    return reply.header('content-type', CONTENT_TYPE[format]).send(await render(format));
  });
  app.get('/healthz', async (_request, reply) => {
    await ctx.db.get('SELECT 1 AS one FROM meta LIMIT 1');
    return reply.type('text/plain').send('ok\n');
  });

  try {
    await app.listen({ host: address.host, port: address.port });
  } catch (error) {
    await app.close();
    throw explain(error, address);
  }
  const shown = address.host.includes(':') ? `[${address.host}]` : address.host;
  return { url: `http://${shown}:${port()}`, close: () => app.close() };
}
