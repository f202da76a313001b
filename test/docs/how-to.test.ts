/** The commands of the how-to pages, run in order on a real home. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { closeContext, openContext } from '../../src/home/open.ts';
import { oldHome } from '../import/old-home.ts';
import { commitWhole } from '../support/baseline.ts';
import type { ConfigInput } from '../support/context.ts';
import { quickExperiment } from '../support/loop.ts';
import { below, makeBin, shellBlocks } from './commands.ts';

const pages = join(import.meta.dirname, '..', '..', 'docs', 'how-to');
const blocksOf = (page: string) => shellBlocks(readFileSync(join(pages, page), 'utf8'));

let root: string;
let bin: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kloros-how-to-'));
  bin = makeBin(root);
  for (const folder of ['var/lib', 'var/backups', 'tmp', 'etc/kloros', '.config/kloros', '.local/state'])
    mkdirSync(join(root, folder), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Runs lines in one shell, as they would be typed; the first that fails ends it. */
function type(lines: readonly string[]): { status: number | null; text: string } {
  const script = ['set -e', 'cd', ...lines.map((line) => below(root, line))].join('\n');
  const env = { HOME: root, PATH: `${bin}:${process.env.PATH}` };
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], {
    env,
    encoding: 'utf8',
    timeout: 120_000,
  });
  return { status, text: `${stdout}${stderr}` };
}

function experiment(folder: string): void {
  const config: ConfigInput = { version: 1, experiments: { demo: quickExperiment() } };
  writeFileSync(join(root, folder, 'kloros.yaml'), stringify(config));
}

/** A home where the pages expect it, with two baselines. */
async function homeWithBaselines(): Promise<void> {
  experiment('etc/kloros');
  const ran = type(['kloros --home /var/lib/kloros init /etc/kloros/kloros.yaml']);
  expect(ran.status, ran.text).toBe(0);
  const ctx = await openContext({ home: join(root, 'var/lib/kloros'), env: {} });
  await commitWhole(ctx, { cache: 64 });
  await commitWhole(ctx, { cache: 256, mode: 'fast' });
  await closeContext(ctx);
}

describe('install-under-systemd.md', () => {
  const [yourself = [], machine = [], look = [], stop = []] = blocksOf('install-under-systemd.md');

  test('takes at most six commands from the package to a loop that ticks and is scraped', () => {
    expect(yourself.length).toBeLessThanOrEqual(6);
    experiment('.config/kloros');
    const ran = type(yourself);
    expect(ran.status, ran.text).toBe(0);
    expect(readFileSync(join(root, 'units', 'kloros.service'), 'utf8')).toContain('--listen 127.0.0.1:9464');
  });

  test('installs for the machine, shows it and stops it', () => {
    experiment('etc/kloros');
    const ran = type([...machine, ...look, ...stop]);
    expect(ran.status, ran.text).toBe(0);
    expect(readFileSync(join(root, 'units', 'kloros-tick.timer'), 'utf8')).toContain('OnCalendar=minutely');
  });
});

test('back-up-and-restore.md', async () => {
  await homeWithBaselines();
  const ran = type(blocksOf('back-up-and-restore.md').flat());
  expect(ran.status, ran.text).toBe(0);
  expect(ran.text).toContain('2 baselines');
});

test('roll-back-at-3-am.md', async () => {
  await homeWithBaselines();
  const ran = type(blocksOf('roll-back-at-3-am.md').flat());
  expect(ran.status, ran.text).toBe(0);
  expect(readFileSync(join(root, 'etc/kloros/settings.json'), 'utf8')).toContain('64');
});

test('coming-from-the-first-system.md', () => {
  const old = oldHome();
  mkdirSync(join(root, 'home'));
  cpSync(old.root, join(root, 'home/kloros'), { recursive: true });
  rmSync(old.root, { recursive: true });
  experiment('etc/kloros');
  const ran = type(blocksOf('coming-from-the-first-system.md').flat());
  // The signal of the copied home names a report that is not there any more.
  expect(ran.status, ran.text).toBe(0);
  expect(ran.text).toContain('observing: would');
});
