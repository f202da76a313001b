import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type LoopHome, loopHome } from '../support/loop.ts';
import { dashboardQueries, readRules, root, rulesFile } from './monitoring.ts';

const main = join(root, 'src/cli/main.ts');
let home: LoopHome;
let folder: string;
let daemon: ChildProcess;
let prometheus: ChildProcess | undefined;
let target: string;
let api: string;

async function until<T>(what: string, look: () => Promise<T | undefined>, ms = 60_000): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const environment = () => ({ PATH: process.env.PATH, KLOROS_HOME: home.home });

/** The real daemon, as a process of its own; resolves when it serves metrics. */
function startDaemon(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [main, 'run', '--listen', target], { env: environment() });
  let said = '';
  return new Promise((resolve, reject) => {
    child.stderr?.on('data', (chunk) => {
      said += chunk;
      if (said.includes(`metrics at http://${target}/metrics`)) resolve(child);
    });
    child.once('exit', (code) => reject(new Error(`the daemon ended with ${code}: ${said}`)));
  });
}

async function stop(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

async function startPrometheus(): Promise<ChildProcess> {
  const port = await freePort();
  api = `http://127.0.0.1:${port}`;
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [rulesFile],
    scrape_configs: [{ job_name: 'kloros', static_configs: [{ targets: [target] }] }],
  };
  writeFileSync(join(folder, 'prometheus.yml'), stringify(config));
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  // A suite that quietly skips proves nothing.
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', () =>
      reject(new Error('prometheus is missing: run `node scripts/system-tools.mjs`')),
    );
  });
  await until('Prometheus', async () => ((await fetch(`${api}/-/ready`)).ok ? true : undefined));
  return child;
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

async function ask<T>(path: string, params: Readonly<Record<string, string>> = {}): Promise<T> {
  const answer = await fetch(`${api}/api/v1/${path}?${new URLSearchParams(params)}`);
  const body = (await answer.json()) as { status: string; error?: string; data: T };
  if (body.status !== 'success') throw new Error(`${JSON.stringify(params)}: ${body.error}`);
  return body.data;
}

const query = async (expr: string) => (await ask<{ result: Series[] }>('query', { query: expr })).result;
/** The value of the one series, when it is there. */
const number = async (expr: string) => {
  const [series] = await query(expr);
  return series === undefined ? undefined : Number(series.value[1]);
};

beforeAll(async () => {
  home = await loopHome();
  folder = mkdtempSync(join(tmpdir(), 'kloros-prometheus-'));
  target = `127.0.0.1:${await freePort()}`;
  daemon = await startDaemon();
  prometheus = await startPrometheus();
});
afterAll(async () => {
  await stop(prometheus);
  await stop(daemon);
  home.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe('a real Prometheus', () => {
  test('scrapes the real daemon', async () => {
    await until('a scrape', () => number('kloros_build_info'));
    const { activeTargets } = await ask<{ activeTargets: { health: string; lastError: string }[] }>(
      'targets',
    );
    expect(activeTargets).toMatchObject([{ health: 'up', lastError: '' }]);
    expect(await number('up{job="kloros"}')).toBe(1);
  });

  test('loads and evaluates every rule, and nothing fires on a sound home', async () => {
    type Loaded = { name: string; health: string; state: string; lastError?: string };
    const rules = await until('all rules', async () => {
      const { groups } = await ask<{ groups: { rules: Loaded[] }[] }>('rules');
      const all = groups.flatMap((group) => group.rules);
      return all.every(({ health }) => health !== 'unknown') ? all : undefined;
    });
    expect(rules.map(({ name }) => name).sort()).toEqual(
      readRules()
        .map(({ alert }) => alert)
        .sort(),
    );
    for (const { name, health, state, lastError } of rules) {
      expect({ name, health, lastError }).toEqual({ name, health: 'ok', lastError: undefined });
      expect({ name, state }).not.toEqual({ name, state: 'firing' });
    }
  });

  test('sees a cycle go by, as the command sees it', async () => {
    const promotion = { schema: 'v2', id: 'a', experiment: 'demo', fitness: 1, changes: { cache: 64 } };
    home.drop('promotions', 'a.json', { ...promotion, timestamp: Date.now() / 1000 });
    const cycles = 'kloros_dream_cycles_total{experiment="demo",result="done"}';
    await until('a cycle', async () => ((await number(cycles)) === 1 ? true : undefined), 120_000);
    const trials = await number('sum(kloros_trials_total{experiment="demo"})');
    const printed = spawnSync(process.execPath, [main, 'metrics'], {
      env: environment(),
      encoding: 'utf8',
    }).stdout;
    const counted = [...printed.matchAll(/^kloros_trials_total\{experiment="demo".*\} (\d+)$/gm)];
    expect(counted.reduce((sum, [, n]) => sum + Number(n), 0)).toBe(trials);
    expect(await number('kloros_dream_cycle_duration_seconds_count')).toBe(1);
  });

  test('sees no counter start again when the daemon does', async () => {
    const ticks = 'sum(kloros_ticks_total)';
    const before = await until('ticks', () => number(ticks));
    await stop(daemon);
    daemon = await startDaemon();
    await until(
      'another tick',
      async () => (((await number(ticks)) ?? 0) > before ? true : undefined),
      120_000,
    );
    expect(await number('sum(resets(kloros_ticks_total[5m]))')).toBe(0);
    expect(await number('sum(resets(kloros_trials_total[5m]))')).toBe(0);
  });

  test('answers every query of the dashboard', async () => {
    /** What a young and healthy home has nothing to show for. */
    const empty = new Set([
      'Under way',
      'Waits since',
      'Expires in',
      'In force for',
      'Optimism of the search',
      'A/A false positives',
      'Smallest gain that can be seen',
      'Duration of epochs',
      'Budget used',
      'Window',
      'Intents by outcome',
      'Locks',
      'Trials by state',
      'annotation',
    ]);
    const end = Date.now() / 1000;
    const range = { start: String(end - 300), end: String(end), step: '15' };
    const queries = dashboardQueries().map((q) => ({ ...q, expr: q.expr.replaceAll('$instance', '.*') }));
    expect(queries.length).toBeGreaterThan(50);
    for (const { title, expr } of queries) {
      await query(expr);
      const { result } = await ask<{ result: unknown[] }>('query_range', { query: expr, ...range });
      if (!empty.has(title)) expect(result.length, `${title}: ${expr}`).toBeGreaterThan(0);
    }
  });

  test('has nothing to say against what node_exporter would read', () => {
    const file = join(folder, 'kloros.prom');
    const write = [main, 'metrics', '--textfile', file];
    expect(spawnSync(process.execPath, write, { env: environment() }).status).toBe(0);
    const checked = spawnSync('promtool', ['check', 'metrics'], {
      input: readFileSync(file),
      encoding: 'utf8',
    });
    expect({ status: checked.status, said: checked.stderr + checked.stdout }).toEqual({
      status: 0,
      said: '',
    });
  });

  test('says when the daemon is gone', async () => {
    await stop(daemon);
    await until('the target to be down', async () =>
      (await number('up{job="kloros"}')) === 0 ? true : undefined,
    );
    const pending = await until('the alert', async () => {
      const found = await query('ALERTS{alertname="KlorosAbsent"}');
      return found.length > 0 ? found : undefined;
    });
    expect(pending[0]?.metric).toMatchObject({ severity: 'critical', alertstate: 'pending' });
  });
});
