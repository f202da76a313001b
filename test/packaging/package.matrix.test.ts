/** From an empty folder: pack, install globally, tick; types for a user of the library; the container's own start. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VERSION } from '../../src/version.ts';
import { npm, PATH, type Packed, pack } from './packaged.ts';

const repository = dirname(dirname(import.meta.dirname));
let folder: string;
let packed: Packed;
let prefix: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kloros-package-'));
  packed = pack(folder);
  prefix = join(folder, 'prefix');
  npm(folder, 'install', '--global', '--prefix', prefix, packed.file);
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function kloros(cwd: string, ...args: string[]) {
  const env = { PATH: `${join(prefix, 'bin')}:${PATH}` };
  const { status, stdout, stderr } = spawnSync('kloros', args, { cwd, encoding: 'utf8', env });
  return { status, stdout, stderr };
}

test('the package holds what runs, its types, its page and its examples, and no source, test or map', () => {
  for (const path of [
    'LICENSE',
    'README.md',
    'bin/kloros.mjs',
    'deploy/prometheus/kloros.rules.yml',
    'dist/cli/main.js',
    'dist/index.js',
    'dist/trial/module-host.js',
    'dist/types/index.d.ts',
    'examples/sqlite/kloros.yaml',
    'kloros.schema.json',
    'man/kloros.1',
  ])
    expect(packed.paths).toContain(path);
  expect(packed.paths.filter((path) => /^(src|test|bench|scripts)\/|\.map$|\.test\.ts$/.test(path))).toEqual(
    [],
  );
});

describe('installed globally', () => {
  test('it runs, from init to a tick that is recorded', () => {
    const work = join(folder, 'work');
    mkdirSync(work);
    expect(kloros(work, '--version').stdout).toBe(`${VERSION}\n`);
    expect(kloros(work, 'init')).toMatchObject({ status: 0 });
    writeFileSync(join(work, 'evaluate.mjs'), '');
    expect(kloros(work, 'doctor')).toMatchObject({ status: 0 });
    expect(kloros(work, 'tick')).toMatchObject({ status: 2 });
    expect(kloros(work, 'enable')).toMatchObject({ status: 0 });
    const tick = kloros(work, 'tick', '--json');
    expect(tick.status, tick.stderr).toBe(0);
    expect(JSON.parse(tick.stdout)).toMatchObject({ outcome: 'NOOP' });
    expect(kloros(work, 'ledger', 'verify')).toMatchObject({ status: 0 });
  });

  test('its units start the installed file with the Node.js that installed it', () => {
    const units = join(folder, 'units');
    const { status, stderr } = kloros(join(folder, 'work'), 'service', 'install', '--unit-dir', units);
    expect(status, stderr).toBe(0);
    const unit = readFileSync(join(units, 'kloros-tick.service'), 'utf8');
    const [, node = '', main = ''] = /^ExecStart=(\S+) (\S+) tick/m.exec(unit) ?? [];
    expect(existsSync(node)).toBe(true);
    expect(main.startsWith(prefix)).toBe(true);
    const ran = spawnSync(node, [main, 'tick', '--quiet'], {
      env: { KLOROS_HOME: join(folder, 'work', '.kloros') },
    });
    expect(ran.status, String(ran.stderr)).toBe(0);
  });

  test('its page comes along, and man formats it without a warning', () => {
    const page = join(prefix, 'lib', 'node_modules', 'kloros', 'man', 'kloros.1');
    expect(existsSync(page)).toBe(true);
    const groff = spawnSync('groff', ['-man', '-z', '-ww', page], { encoding: 'utf8' });
    if (!groff.error) expect(groff.stderr).toBe('');
    expect(readFileSync(page, 'utf8')).toContain('kloros doctor');
  });

  test('the start of the container makes a home, and ends well when it is asked to', async () => {
    const file = readFileSync(join(repository, 'deploy', 'Dockerfile'), 'utf8');
    const entry = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(file)?.[1] ?? '[]') as string[];
    const command = JSON.parse(/^CMD (.*)$/m.exec(file)?.[1] ?? '[]') as string[];
    const work = join(folder, 'container');
    mkdirSync(work);
    const script = entry.map((word) => word.replace('exec kloros', 'exec timeout --signal TERM 5 kloros'));
    const [program = '', ...args] = [...script, ...command.map((word) => word.replace('9464', '0'))];
    const env = {
      PATH: `${join(prefix, 'bin')}:${PATH}`,
      KLOROS_HOME: join(work, 'home'),
      KLOROS_CONFIG: join(work, 'kloros.yaml'),
    };
    const { stderr } = spawnSync(program, args, { cwd: work, env, encoding: 'utf8' });
    expect(stderr).toContain(`ticking on ${join(work, 'home')}`);
    expect(readFileSync(join(work, 'home', 'logs', 'structured.jsonl'), 'utf8')).toContain('daemon.stopped');
  });
});

describe('as a library', () => {
  const source = `import { openContext, closeContext, runTick, type TickResult } from 'kloros';
const ctx = await openContext({ home: '.kloros', env: process.env });
const result: TickResult = await runTick(ctx);
await closeContext(ctx);
console.log(result.outcome satisfies string);
// @ts-expect-error an outcome is no number
const wrong: number = result.outcome;
void wrong;
`;

  test('its types hold, strictly, and it runs', () => {
    const work = join(folder, 'work');
    symlinkSync(join(prefix, 'lib', 'node_modules'), join(work, 'node_modules'));
    writeFileSync(join(work, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(work, 'use.ts'), source);
    const tsc = join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
    const types = join(repository, 'node_modules', '@types');
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'esnext', '--lib', 'esnext'];
    const checked = spawnSync(
      process.execPath,
      [tsc, ...options, '--types', 'node', '--typeRoots', types, 'use.ts'],
      {
        cwd: work,
        encoding: 'utf8',
      },
    );
    expect(checked.stdout).toBe('');
    const ran = spawnSync(process.execPath, ['use.ts'], { cwd: work, encoding: 'utf8' });
    expect(ran.stdout, ran.stderr).toBe('NOOP\n');
  });
});
