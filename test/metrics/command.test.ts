import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type LoopHome, loopHome } from '../support/loop.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
let home: LoopHome;
afterEach(() => home.remove());

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function kloros(
  args: readonly string[],
  onErr: (text: string, stop: () => void) => void = () => {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...args], {
      env: { PATH: process.env.PATH, KLOROS_HOME: home.home },
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
      onErr(err, () => child.kill('SIGTERM'));
    });
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

describe('kloros metrics', () => {
  test('prints every metric, as text and as JSON', async () => {
    home = await loopHome();
    const text = await kloros(['metrics']);
    expect(text.out).toContain('kloros_mode{mode="enabled"} 1\n');
    const { metrics } = JSON.parse((await kloros(['metrics', '--json'])).out) as {
      metrics: { name: string }[];
    };
    expect(metrics.map(({ name }) => name)).toContain('kloros_alive_timestamp_seconds');
  });

  test('puts a file in place of the old one, whole', async () => {
    home = await loopHome();
    const file = join(home.root, 'kloros.prom');
    writeFileSync(file, 'old');
    expect((await kloros(['metrics', '--textfile', file])).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain('kloros_build_info{version=');
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(readdirSync(home.root).filter((name) => name.includes('tmp'))).toEqual([]);
    const nowhere = await kloros(['metrics', '--textfile', join(home.root, 'nowhere', 'kloros.prom')]);
    expect(nowhere.code).not.toBe(0);
  });

  test('serves until SIGTERM, and ends well', async () => {
    home = await loopHome();
    let asked: Promise<string> | undefined;
    const ended = await kloros(['metrics', '--listen', '127.0.0.1:0'], (err, stop) => {
      const [url] = /http:\S+/.exec(err) ?? [];
      if (url === undefined || asked) return;
      asked = fetch(url).then((answer) => answer.text());
      asked.finally(stop).catch(() => {});
    });
    expect(ended.code).toBe(0);
    expect(await asked).toContain('kloros_build_info');
  });

  test.each([
    [['metrics', '--listen', '0.0.0.0:0'], '--allow-host'],
    [['run', '--listen', '192.0.2.1:9464'], '--allow-host'],
    [['run', '--listen', 'everywhere'], '127.0.0.1:9464'],
  ])('refuses %j, and says what to write', async (args, hint) => {
    home = await loopHome();
    const { code, err } = await kloros(args);
    expect(code).toBe(64);
    expect(err).toContain(hint);
  });
});

describe('the configured metrics file', () => {
  const textfile = async () => {
    home = await loopHome({ metrics: { textfile: 'out/kloros.prom' } });
    mkdirSync(join(home.root, 'out'));
    return join(home.root, 'out', 'kloros.prom');
  };

  test('says at once that the mode changed, though a disabled tick writes nothing', async () => {
    const file = await textfile();
    await kloros(['tick']);
    expect(readFileSync(file, 'utf8')).toContain('kloros_mode{mode="disabled"} 0\n');
    await kloros(['disable']);
    expect(readFileSync(file, 'utf8')).toContain('kloros_mode{mode="disabled"} 1\n');
    const { mtimeMs } = statSync(file);
    expect((await kloros(['tick'])).code).toBe(2);
    expect(statSync(file).mtimeMs).toBe(mtimeMs);
    await kloros(['enable']);
    expect(readFileSync(file, 'utf8')).toContain('kloros_mode{mode="enabled"} 1\n');
  });

  test('shows an action while it is under way, and its end', async () => {
    const file = await textfile();
    home.drop('promotions', 'a.json', {
      schema: 'v2',
      id: 'a',
      experiment: 'demo',
      fitness: 1,
      timestamp: Date.now() / 1000,
      changes: { cache: 64 },
    });
    const seen: string[] = [];
    const watch = setInterval(() => {
      if (existsSync(file)) seen.push(readFileSync(file, 'utf8'));
    }, 20);
    const { code } = await kloros(['tick']);
    clearInterval(watch);
    expect(code).toBe(0);
    expect(seen.some((text) => text.includes('kloros_action_running{kind="dream"} 1\n'))).toBe(true);
    for (const text of seen) expect(text.endsWith('\n')).toBe(true);
    const end = readFileSync(file, 'utf8');
    expect(end).toContain('kloros_action_running{kind="dream"} 0\n');
    expect(end).toContain('kloros_ticks_total{outcome="DREAM_CYCLE"} 1\n');
    expect(end).toContain('kloros_dream_cycle_duration_seconds_count{experiment="demo"} 1\n');
  });
});
