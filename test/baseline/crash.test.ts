import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { applyBaseline } from '../../src/baseline/apply.ts';
import { verifyChain } from '../../src/baseline/chain.ts';
import { commitPromotion } from '../../src/baseline/commit.ts';
import { currentBaseline } from '../../src/baseline/current.ts';
import { readBaseline } from '../../src/baseline/read.ts';
import { pruneBaselines } from '../../src/baseline/retention.ts';
import { rollback } from '../../src/baseline/rollback.ts';
import type { Context } from '../../src/context.ts';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { sweepTemporary } from '../../src/files/write-atomic.ts';
import { homePaths } from '../../src/home/paths.ts';
import type { HeldLock } from '../../src/lock/types.ts';
import { verifyLedger } from '../../src/store/ledger.ts';
import { deliverOutbox } from '../../src/store/outbox.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { commitRequest, commitWhole, giveVerdict, takeBaselineLock } from '../support/baseline.ts';
import { experimentConfig, type TestContext, testContext } from '../support/context.ts';
import { type Fault, type FaultyMachine, faultyMachine } from '../support/faults.ts';

/** cache is 16 × the version in every version, so that a reader can tell a mix. */
const cacheOf = (version: number) => 16 * version;
let template: TestContext;
// In memory where there is such a place: nothing here depends on what fsync does, and there are thousands of them.
const scratch = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'kloros-crash-'));

beforeAll(async () => {
  const apply = { file: 'target.json', format: 'json' } as const;
  template = await testContext({ config: { experiments: { demo: experimentConfig({ apply }) } } });
  await commitWhole(template, { cache: cacheOf(1) });
  await commitWhole(template, { cache: cacheOf(2) });
  await giveVerdict(template, 'p3');
  await template.db.all('PRAGMA wal_checkpoint(TRUNCATE)');
});

afterAll(async () => {
  await template.cleanup();
  rmSync(scratch, { recursive: true, force: true });
});

type Operation = (ctx: Context, lock: HeldLock) => Promise<unknown>;

const operations: Record<string, Operation> = {
  commit: async (ctx, lock) => {
    const request = await commitRequest(ctx, 'p3', { cache: cacheOf(3) });
    const result = await commitPromotion(ctx, lock, request);
    await deliverOutbox(ctx);
    if (result.state === 'committed') await applyBaseline(ctx, result.baseline);
  },
  'roll-back': async (ctx, lock) => {
    const baseline = await rollback(ctx, lock, { actor: 'test', reason: 'test' });
    await deliverOutbox(ctx);
    await applyBaseline(ctx, baseline);
  },
};

let copies = 0;
/** A copy of the template's home at v2, opened as a process that was just started would. */
async function freshHome(): Promise<Context> {
  const root = join(scratch, String(copies++));
  cpSync(template.configDir, root, { recursive: true });
  return reopened({ ...template, configDir: root, paths: homePaths(join(root, 'home')) });
}
async function reopened(ctx: Context): Promise<Context> {
  return { ...ctx, fs: nodeFileSystem, db: await openSqlite(ctx.paths.database) };
}

async function run(
  ctx: Context,
  fault: Fault | null,
  work: (ctx: Context) => Promise<unknown>,
): Promise<FaultyMachine> {
  const machine = faultyMachine(ctx.db, fault);
  try {
    await work({ ...ctx, fs: machine.fs, db: machine.db });
  } catch (error) {
    if (!machine.struck()) throw error;
  }
  return machine;
}

/** What the next tick does, in the part that concerns the baseline. */
async function recover(ctx: Context): Promise<void> {
  for (const folder of [ctx.paths.baseline, ctx.paths.baselineVersions]) sweepTemporary(ctx.fs, folder);
  await deliverOutbox(ctx);
  const baseline = await currentBaseline(ctx.db, ctx.config);
  if (baseline.applyState === 'owed') await applyBaseline(ctx, baseline);
}

/** The content that version 3 has, by operation. */
const restored: Record<string, number> = { commit: cacheOf(3), 'roll-back': cacheOf(1) };

/** Whatever happened: readers see v2 or v3 whole, and so does the target. */
async function seesOldOrNew(ctx: Context, operation: string): Promise<void> {
  const read = await readBaseline(ctx.paths.baseline);
  const caches: Record<number, number | undefined> = { 2: cacheOf(2), 3: restored[operation] };
  expect([2, 3]).toContain(read?.version);
  expect(read?.params['demo']?.['cache']).toBe(caches[read?.version ?? 0]);
  const target = JSON.parse(readFileSync(join(ctx.configDir, 'target.json'), 'utf8'));
  expect(Object.values(caches)).toContain(target.cache);
  expect(Object.keys(target)).toHaveLength(4);
}

/** After recovery everything tells the same story. */
async function isWhole(ctx: Context): Promise<void> {
  const baseline = await currentBaseline(ctx.db, ctx.config);
  expect(await verifyChain(ctx)).toMatchObject({ ok: true });
  expect(await verifyLedger(ctx.db)).toMatchObject({ ok: true });
  expect(baseline.applyState).toBe('applied');
  const read = await readBaseline(ctx.paths.baseline);
  expect(read).toMatchObject({ version: baseline.version, sha256: baseline.sha256 });
  const target = JSON.parse(readFileSync(join(ctx.configDir, 'target.json'), 'utf8'));
  expect(target.cache).toBe(baseline.params['demo']?.['cache']);
  const left = [ctx.configDir, ctx.paths.baseline, ctx.paths.baselineVersions].flatMap((folder) =>
    readdirSync(folder),
  );
  expect(left.filter((name) => name.includes('tmp'))).toEqual([]);
}

/** One history: the operation with a fault, a second fault in the recovery when asked for, then recovery. */
async function history(name: string, fault: Fault, second: Fault | null = null): Promise<void> {
  const ctx = await freshHome();
  const lock = await takeBaselineLock(ctx);
  const operation = operations[name] as Operation;
  const machine = await run(ctx, fault, (faulty) => operation(faulty, lock));
  expect(machine.struck(), `call ${fault.at} was not reached`).toBe(true);
  lock.release();
  await seesOldOrNew(ctx, name);
  await ctx.db.close();
  let next = await reopened(ctx);
  if (second) {
    await run(next, second, recover);
    await seesOldOrNew(next, name);
    await next.db.close();
    next = await reopened(next);
  }
  await recover(next);
  await isWhole(next);
  const before = await currentBaseline(next.db, next.config);
  if (before.version === 2) {
    const again = await takeBaselineLock(next);
    await operation(next, again);
    again.release();
  }
  expect((await currentBaseline(next.db, next.config)).version).toBe(3);
  await isWhole(next);
  await next.db.close();
  rmSync(next.configDir, { recursive: true, force: true });
}

async function countCalls(name: string): Promise<number> {
  const ctx = await freshHome();
  const lock = await takeBaselineLock(ctx);
  const machine = await run(ctx, null, (faulty) => (operations[name] as Operation)(faulty, lock));
  lock.release();
  await ctx.db.close();
  return machine.calls();
}

test.each(Object.keys(operations))(
  'a crash at every call of a %s leaves the old or the new baseline, and the next tick makes it whole',
  async (name) => {
    const calls = await countCalls(name);
    expect(calls).toBeGreaterThan(40);
    for (let at = 0; at < calls; at++) await history(name, { at, kind: 'crash' });
  },
);

test.each(Object.keys(operations))(
  'a crash in the recovery of a %s that crashed is recovered too',
  async (name) => {
    const calls = await countCalls(name);
    // Every sixth crash, and in its recovery every third: the full square would take a minute.
    for (let at = 1; at < calls; at += 6)
      for (let second = at % 3; second < 50; second += 3)
        await history(name, { at, kind: 'crash' }, { at: second, kind: 'crash' });
  },
);

test.each([
  ['commit', 'ENOSPC'],
  ['commit', 'EIO'],
  ['roll-back', 'ENOSPC'],
  ['roll-back', 'EIO'],
] as const)(
  'in a %s, %s at every call keeps the old or brings the new, and the next tick goes on',
  async (name, kind) => {
    const calls = await countCalls(name);
    for (let at = 0; at < calls; at++) await history(name, { at, kind });
  },
);

test('a crash at every call of retention loses no version that has to stay', async () => {
  const ctx = await freshHome();
  const config = { ...ctx.config, retention: { ...ctx.config.retention, baselines: 2 } };
  const few = { ...ctx, config };
  for (const cache of [3, 4, 5].map(cacheOf)) await commitWholeAt(few, cache);
  await few.db.all('PRAGMA wal_checkpoint(TRUNCATE)');
  const { calls } = await run(few, null, async (faulty) => {
    await pruneBaselines({ ...faulty, fs: readOnlyUnlink(faulty) });
  });
  for (let at = 0; at < calls(); at++) {
    await run(few, { at, kind: 'crash' }, pruneBaselines);
    expect(await verifyChain(few)).toMatchObject({ ok: true });
    expect(await readBaseline(few.paths.baseline)).toMatchObject({ version: 5 });
  }
  await pruneBaselines(few);
  expect(readdirSync(few.paths.baselineVersions).sort()).toEqual([
    'baseline_v0004.yaml',
    'baseline_v0005.yaml',
    'manifest_v0004.json',
    'manifest_v0005.json',
  ]);
  await few.db.close();
});

async function commitWholeAt(ctx: Context, cache: number): Promise<void> {
  const { version } = await currentBaseline(ctx.db, ctx.config);
  if (version === 2) await ctx.db.run("DELETE FROM verdicts WHERE promotion_id = 'p3'");
  await commitWhole(ctx, { cache });
}

/** Counts what retention would do without doing it. */
const readOnlyUnlink = (ctx: Context): Context['fs'] =>
  new Proxy(ctx.fs, {
    get: (fs, name) => (name === 'unlinkSync' ? () => fs.existsSync('/') : Reflect.get(fs, name)),
  });
