import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkWatch, startWatch } from '../../src/baseline/watch.ts';
import { timeComparison } from '../../src/tick/compare-times.ts';
import type { Executor } from '../../src/trial/types.ts';
import { commitWhole, idleControl, underBaselineLock } from '../support/baseline.ts';
import {
  type ExperimentInput,
  experimentConfig,
  seededRandom,
  type TestContext,
  testContext,
} from '../support/context.ts';

const MINUTE = 60_000;
const hooks = { compareTimes: timeComparison(0.05) };
const noTrials: Executor = {
  slots: 1,
  run: () => {
    throw new Error('no trial is expected');
  },
};

let ctx: TestContext;
let server: Server;
let url: string;
/** Answers a request; each test puts its own here. */
let answer: (query: URLSearchParams, response: ServerResponse) => void;

beforeEach(async () => {
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/moved') response.writeHead(302, { location: '/' }).end();
    else answer(searchParams, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await ctx.cleanup();
});

async function watched(watch: ExperimentInput['watch']): Promise<void> {
  ctx = await testContext({ config: { experiments: { demo: experimentConfig({ watch }) } } });
  await commitWhole(ctx, { cache: 32 }, (tx, baseline) => startWatch(tx, ctx, baseline, 'demo'));
}
async function look() {
  ctx.clock.advance(MINUTE);
  return checkWatch(ctx, noTrials, (work) => underBaselineLock(ctx, work), idleControl(), hooks);
}
async function looks(most: number): Promise<string[]> {
  const states: string[] = [];
  for (let n = 0; n < most; n++) {
    const { state } = await look();
    states.push(state);
    if (state !== 'watching') break;
  }
  return states;
}

describe('by HTTP', () => {
  const status = (code: number) => {
    answer = (_, response) => response.writeHead(code).end();
  };

  test('a target that answers as expected is kept at the deadline', async () => {
    status(204);
    await watched({ duration: '3m', http: { url, expect_status: 204 } });
    expect(await looks(5)).toEqual(['watching', 'watching', 'kept']);
  });

  test.each([
    ['another status', () => status(503), '', /answered 503, not 200/],
    ['a redirect', () => status(200), '/moved', /answered 302/],
    ['an answer that never comes', () => (answer = () => {}), '', /no answer within 100 ms/],
    ['a flood', () => (answer = (_, r) => r.end(Buffer.alloc(5_000_000))), '', /larger than/],
    ['a port where nobody listens', () => server.close(), '', /ECONNREFUSED/],
  ])('%s is unhealthy: twice in a row takes the baseline back', async (_, prepare, path, reason) => {
    prepare();
    await watched({ http: { url: url + path, timeout: '100ms' } });
    if (path === '' && !server.listening) await new Promise((resolve) => setTimeout(resolve, 10));
    expect((await look()).state).toBe('watching');
    const end = await look();
    expect(end).toMatchObject({ state: 'rolled-back' });
    expect(end.reason).toMatch(reason);
  });

  test('what the health command finds counts as well', async () => {
    status(200);
    await watched({ http: { url }, health: ['false'] });
    expect(await looks(3)).toEqual(['watching', 'rolled-back']);
  });
});

describe('by PromQL', () => {
  /** A server whose metric is `value` of the seconds since the apply; null: no point. */
  function prometheus(value: (seconds: number) => number | string | null): void {
    const applied = ctx.clock.now();
    answer = (query, response) => {
      const [start, end, step] = ['start', 'end', 'step'].map((name) => Number(query.get(name))) as [
        number,
        number,
        number,
      ];
      const values: [number, string][] = [];
      for (let t = start; t <= end + 1e-6; t += step) {
        const v = value(t - applied / 1000);
        if (v !== null) values.push([t, String(v)]);
      }
      response.end(
        JSON.stringify({
          status: 'success',
          data: { resultType: 'matrix', result: [{ metric: {}, values }] },
        }),
      );
    };
  }
  const promql = () => ({ url, query: 'p99', direction: 'minimize' as const, max_regression: 0.1 });
  const noise = (seed: number) => {
    const random = seededRandom(seed);
    return () => 1 + 0.05 * (random() + random() + random() - 1.5);
  };

  test('a metric that stays as it was before the apply keeps the baseline', async () => {
    await watched({ promql: promql() });
    const about = noise(1);
    prometheus(() => 100 * about());
    expect((await looks(12)).at(-1)).toBe('kept');
  });

  test('a metric that got worse than its margin takes it back before half of the watch is over', async () => {
    await watched({ promql: promql() });
    const about = noise(2);
    prometheus((s) => (s > 0 ? 150 : 100) * about());
    const states = await looks(12);
    expect(states.at(-1)).toBe('rolled-back');
    expect(states.length).toBeLessThanOrEqual(5);
  });

  test('one that got better, or worse within the margin, does not', async () => {
    await watched({ promql: promql() });
    const about = noise(3);
    prometheus((s) => (s > 0 ? 104 : 100) * about());
    expect((await looks(12)).at(-1)).toBe('kept');
  });

  test('of 40 watches in which nothing changed, hardly one is taken back', async () => {
    await watched({ promql: promql() });
    let worse = 0;
    for (let seed = 10; seed < 50; seed++) {
      const about = noise(seed);
      const pairs = Array.from({ length: 40 }, () => ({ before: about(), after: about() }));
      const question = { direction: 'minimize', maxRegression: 0, looks: 10 } as const;
      const found = Array.from({ length: 10 }, (_, i) =>
        hooks.compareTimes(pairs.slice(0, 4 * (i + 1)), { ...question, look: i }),
      );
      if (found.some((f) => f.worse)) worse++;
    }
    expect(worse).toBeLessThanOrEqual(5);
  });

  test.each([
    ['no points', () => null, /nothing was measured/],
    ['NaN', () => 'NaN', /nothing was measured/],
    ['points of before the apply alone', (s: number) => (s < 0 ? 1 : null), /nothing was measured/],
  ])('%s are no evidence, and never a pass', async (_, value, reason) => {
    await watched({ promql: promql() });
    prometheus(value);
    const first = await look();
    expect(first).toMatchObject({ state: 'watching' });
    expect(first.reason).toMatch(reason);
    expect((await looks(20)).at(-1)).toBe('rolled-back');
  });

  test.each([
    ['no JSON', (r: ServerResponse) => r.end('<html>'), /no JSON/],
    [
      'an error',
      (r: ServerResponse) => r.writeHead(400).end('{"status":"error","error":"parse error"}'),
      /parse error/,
    ],
    [
      'two series',
      (r: ServerResponse) => r.end('{"status":"success","data":{"resultType":"matrix","result":[{},{}]}}'),
      /2 series: aggregate/,
    ],
    [
      'a scalar',
      (r: ServerResponse) => r.end('{"status":"success","data":{"resultType":"scalar"}}'),
      /no matrix/,
    ],
    ['silence', () => {}, /no answer within 100 ms/],
  ])('%s is no evidence', async (_, respond, reason) => {
    await watched({ promql: { ...promql(), timeout: '100ms' } });
    answer = (_query, response) => void respond(response);
    const found = await look();
    expect(found.state).toBe('watching');
    expect(found.reason).toMatch(reason);
  });
});
