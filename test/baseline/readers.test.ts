import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { contentName } from '../../src/baseline/manifest.ts';
import { readBaseline } from '../../src/baseline/read.ts';
import { pruneBaselines } from '../../src/baseline/retention.ts';
import { deliverOutbox } from '../../src/store/outbox.ts';
import { commitOnly, commitWhole } from '../support/baseline.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext({ config: { retention: { baselines: 2 } } });
});
afterEach(() => ctx.cleanup());

test('before the first commit there is no baseline to read', async () => {
  expect(await readBaseline(ctx.paths.baseline)).toBeNull();
});

test.each([
  ['manifest.json is torn', () => writeFileSync(ctx.paths.baselineManifest, '{"version": 2')],
  ['manifest.json is empty', () => writeFileSync(ctx.paths.baselineManifest, '')],
  ['manifest.json is gone', () => unlinkSync(ctx.paths.baselineManifest)],
  [
    'its version was changed',
    () => writeFileSync(join(ctx.paths.baselineVersions, contentName(2)), 'experiments: {}\n'),
  ],
  ['its version is gone', () => rmSync(join(ctx.paths.baselineVersions, contentName(2)))],
])('a reader is told when %s, and is never given another version', async (_what, damage) => {
  await commitWhole(ctx, { cache: 16 });
  await commitWhole(ctx, { cache: 32 });
  damage();
  await expect(readBaseline(ctx.paths.baseline)).rejects.toMatchObject({ code: 'KLR_E_BASELINE_TORN' });
});

/** A reader in a process of its own: reads without a pause, and says what it saw once a stop is asked for. */
function startReader(): {
  child: ChildProcess;
  report: Promise<{ reads: number; versions: number; bad: string[] }>;
} {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'reader-process.ts'), ctx.paths.baseline],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const lines = createInterface({ input: child.stdout });
  const report = once(lines, 'line').then(([line]) => JSON.parse(String(line)));
  return { child, report };
}

test('readers beside 200 commits, with files pruned under them, see whole versions that only grow', async () => {
  await commitWhole(ctx, { cache: 1 });
  const readers = [startReader(), startReader()];
  for (let version = 2; version <= 200; version++) {
    await commitOnly(ctx, { cache: version });
    await deliverOutbox(ctx);
    await pruneBaselines(ctx);
  }
  for (const { child } of readers) child.stdin?.end();
  for (const { report } of readers) {
    const { reads, versions, bad } = await report;
    expect(bad).toEqual([]);
    expect(reads).toBeGreaterThanOrEqual(versions);
    expect(versions).toBeGreaterThan(1);
  }
  expect(await readBaseline(ctx.paths.baseline)).toMatchObject({ version: 200 });
});
