import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { tracesAreAsked } from '../../src/trace/tracing.ts';
import { type LoopHome, loopHome } from '../support/loop.ts';
import { otlpReceiver, type Receiver } from './receiver.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
const note = join(import.meta.dirname, 'note-otel.mjs');

let home: LoopHome | undefined;
let receiver: Receiver | undefined;
afterEach(async () => {
  home?.remove();
  await receiver?.close();
});

/** One tick as a process of its own; its exit code and what it wrote on stderr. */
function tick(
  env: Readonly<Record<string, string>>,
): Promise<{ code: number | null; stderr: string; out: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', note, main, 'tick', '--json'], {
      env: { PATH: process.env.PATH, KLOROS_HOME: home?.home ?? '', ...env },
    });
    let [out, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('close', (code) => resolve({ code, stderr, out }));
  });
}

describe('traces', () => {
  test('show a tick, its action and each trial, one inside the other', async () => {
    home = await loopHome();
    receiver = await otlpReceiver();
    home.drop('promotions', 'a.json', {
      schema: 'v2',
      id: 'a',
      experiment: 'demo',
      fitness: 1,
      timestamp: Date.now() / 1000,
      changes: { cache: 64 },
    });
    const { code, out } = await tick({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-token=secret',
      OTEL_SERVICE_NAME: 'tuner',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test',
    });
    expect(code, out).toBe(0);
    expect(receiver.requests[0]).toEqual({ path: '/v1/traces', token: 'secret' });
    expect(receiver.resources[0]).toMatchObject({
      'service.name': 'tuner',
      'deployment.environment': 'test',
    });
    const named = (name: string) => receiver?.spans.filter((span) => span.name === name) ?? [];
    const [root] = named('kloros.tick');
    const [action] = named('kloros.dream');
    expect(named('kloros.tick')).toHaveLength(1);
    expect(root?.parentSpanId ?? '').toBe('');
    expect(root?.attributes).toMatchObject({ 'kloros.outcome': 'DREAM_CYCLE' });
    expect(action).toMatchObject({ parentSpanId: root?.spanId, traceId: root?.traceId });
    const trials = named('kloros.trial');
    expect(trials.length).toBeGreaterThan(8);
    for (const trial of trials) {
      expect(trial).toMatchObject({ parentSpanId: action?.spanId, traceId: root?.traceId });
      expect(trial.attributes).toMatchObject({ 'kloros.experiment': 'demo', 'kloros.state': 'completed' });
    }
  });

  test('load nothing of OpenTelemetry unless they are asked for', async () => {
    home = await loopHome();
    expect((await tick({})).stderr).not.toContain('LOADED');
    const off = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SDK_DISABLED: 'true' };
    expect((await tick(off)).stderr).not.toContain('LOADED');
    const on = await tick({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
    expect(on.stderr).toContain('LOADED @opentelemetry/sdk-trace');
  });

  test('cost a tick nothing when the collector is not there, or does not answer', async () => {
    home = await loopHome();
    const gone = await tick({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      OTEL_EXPORTER_OTLP_TIMEOUT: '500',
    });
    expect(gone).toMatchObject({ code: 0 });
    expect(JSON.parse(gone.out)).toMatchObject({ outcome: 'NOOP' });
    receiver = await otlpReceiver(false);
    const mute = await tick({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_TIMEOUT: '500' });
    expect(mute).toMatchObject({ code: 0 });
    expect(receiver.requests.length).toBeGreaterThan(0);
  });

  test.each([
    [{}, false],
    [{ OTEL_SERVICE_NAME: 'kloros' }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' }, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/v1/traces' }, true],
    [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://c:4318' }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_TRACES_EXPORTER: 'none' }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_TRACES_EXPORTER: 'otlp' }, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_SDK_DISABLED: 'TRUE' }, false],
  ])('asked for by %j: %s', (env, asked) => {
    expect(tracesAreAsked(env)).toBe(asked);
  });
});
