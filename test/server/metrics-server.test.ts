import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseListen } from '../../src/server/listen-address.ts';
import { type MetricsServer, startMetricsServer } from '../../src/server/metrics-server.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
let server: MetricsServer;
const port = () => Number(new URL(server.url).port);

/** Sends bytes as they are; all that comes back until the server ends or `enough` has come. */
function raw(text: string, enough = /\r\n\r\n/): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port(), '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (enough.test(answer)) socket.destroy();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

const get = (path: string, host: string, extra = '') =>
  raw(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${extra}Connection: close\r\n\r\n`, /(?!)/);
const status = (answer: string) => Number(answer.split(' ')[1]);

beforeAll(async () => {
  ctx = await testContext();
  server = await startMetricsServer(ctx, parseListen('127.0.0.1:0'));
});
afterAll(async () => {
  await server.close();
  await ctx.cleanup();
});

describe('the metrics endpoint', () => {
  test('answers in the format that Accept asks for', async () => {
    const plain = await fetch(`${server.url}/metrics`);
    expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await plain.text()).toContain('kloros_mode{mode="disabled"} 1\n');
    const open = await fetch(`${server.url}/metrics`, {
      headers: { accept: 'application/openmetrics-text; version=1.0.0' },
    });
    expect(open.headers.get('content-type')).toMatch(/^application\/openmetrics-text/);
    expect(await open.text()).toMatch(/# EOF\n$/);
  });

  test('says of health only ok, and keeps no answer in a cache', async () => {
    const answer = await fetch(`${server.url}/healthz`);
    expect(await answer.text()).toBe('ok\n');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test.each(['localhost:PORT', '127.0.0.1:PORT', '[::1]:PORT', 'LocalHost:PORT'])(
    'answers as %s',
    async (host) => {
      expect(status(await get('/healthz', host.replace('PORT', String(port()))))).toBe(200);
    },
  );

  test.each([
    'evil.example:PORT',
    'localhost',
    'localhost:1',
    'localhost.evil.example:PORT',
    'evil.localhost:PORT',
    '127.0.0.1:PORT.evil.example',
    'localhost:PORT@evil.example',
    '0.0.0.0:PORT',
    '127.0.0.2:PORT',
    '',
  ])('turns away who asks for it as "%s"', async (host) => {
    for (const path of ['/metrics', '/healthz', '/nothing']) {
      const answer = await get(path, host.replace('PORT', String(port())));
      expect([400, 421]).toContain(status(answer));
      expect(answer).not.toContain('kloros_');
    }
  });

  test('turns away two Host headers, and a request without one', async () => {
    const own = `127.0.0.1:${port()}`;
    expect(status(await raw(`GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n`, /(?!)/))).toBe(400);
    const two = await get('/metrics', 'evil.example', `Host: ${own}\r\n`);
    expect([400, 421]).toContain(status(two));
  });

  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'])(
    'answers nothing to %s',
    async (method) => {
      const answer = await raw(
        `${method} /metrics HTTP/1.1\r\nHost: localhost:${port()}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
        /(?!)/,
      );
      expect(status(answer)).toBeGreaterThanOrEqual(400);
      expect(status(answer)).toBeLessThan(500);
    },
  );

  test.each([
    '/',
    '/metrics/',
    '/metrics/..',
    '/../etc/passwd',
    '/%2e%2e/kloros.db',
    '/metrics%00',
    '//metrics',
    '/METRICS',
  ])('has nothing at %s', async (path) => {
    expect(status(await get(path, `localhost:${port()}`))).toBe(404);
  });

  test('refuses headers that are too large', async () => {
    expect(status(await get('/metrics', `localhost:${port()}`, `X-Large: ${'x'.repeat(20_000)}\r\n`))).toBe(
      431,
    );
  });

  test('refuses a body that is too large', async () => {
    const body = 'x'.repeat(100_000);
    const head = `POST /metrics HTTP/1.1\r\nHost: localhost:${port()}\r\nContent-Type: text/plain`;
    const answer = await raw(`${head}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`);
    expect([404, 413]).toContain(status(answer));
  });

  test('answers many at once with the same text', async () => {
    const texts = await Promise.all(
      Array.from({ length: 40 }, async () => (await fetch(`${server.url}/metrics`)).text()),
    );
    expect(texts.every((text) => text.includes('kloros_build_info'))).toBe(true);
  });

  test('says no more than that it cannot, when the home is broken', async () => {
    const broken = {
      ...ctx,
      db: { ...ctx.db, all: () => Promise.reject(new Error('secret path')), get: ctx.db.all },
    };
    const other = await startMetricsServer(broken as never, parseListen('127.0.0.1:0'));
    const answer = await fetch(`${other.url}/metrics`);
    expect(answer.status).toBe(503);
    expect(await answer.text()).toBe('not available\n');
    await other.close();
  });

  test('says which address is taken', async () => {
    const taken = startMetricsServer(ctx, parseListen(`127.0.0.1:${port()}`));
    await expect(taken).rejects.toMatchObject({
      code: 'KLR_E_LISTEN',
      message: expect.stringContaining('EADDRINUSE'),
    });
  });
});

describe('the address to listen on', () => {
  test.each([
    ['127.0.0.1:9464', '127.0.0.1', 9464],
    ['localhost:0', '127.0.0.1', 0],
    ['[::1]:65535', '::1', 65_535],
    ['127.8.8.8:1', '127.8.8.8', 1],
  ])('reads %s', (text, host, at) => {
    expect(parseListen(text)).toMatchObject({ host, port: at });
  });

  test.each([
    '',
    '9464',
    ':9464',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.1:http',
    '::1:9464',
    'example.org:9464',
    '[x]:1',
    '999.1.1.1:1',
  ])('refuses "%s"', (text) => {
    expect(() => parseListen(text, ['example.org'])).toThrow(
      expect.objectContaining({ code: 'KLR_E_USAGE' }),
    );
  });

  test.each(['0.0.0.0:9464', '192.0.2.7:9464', '[::]:9464', '[2001:db8::1]:9464', '[::ffff:127.0.0.1]:9464'])(
    'refuses %s, beyond loopback, unless the names to answer to are given',
    (text) => {
      expect(() => parseListen(text)).toThrow(expect.objectContaining({ code: 'KLR_E_USAGE' }));
      expect(parseListen(text, ['Tuner.example.org']).names).toEqual(['tuner.example.org']);
    },
  );
});
