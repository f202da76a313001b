import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createBackup } from '../../src/backup/create.ts';
import { restoreBackup } from '../../src/backup/restore.ts';
import { verifyChain } from '../../src/baseline/chain.ts';
import { readBaseline } from '../../src/baseline/read.ts';
import { examine } from '../../src/doctor/examine.ts';
import { closeContext, openContext } from '../../src/home/open.ts';
import type { Context } from '../../src/index.ts';
import { currentBaseline, readEvents, readMode, runTick, verifyLedger } from '../../src/index.ts';
import { deliverOutbox, owe } from '../../src/store/outbox.ts';
import { commitWhole, takeBaselineLock } from '../support/baseline.ts';
import { kloros } from '../support/kloros.ts';
import { type LoopHome, loopHome } from '../support/loop.ts';

let home: LoopHome;
let ctx: Context;
let folder: string;
let file: string;

beforeEach(async () => {
  home = await loopHome();
  ctx = await home.open();
  await commitWhole(ctx, { cache: 256 });
  await commitWhole(ctx, { cache: 512, mode: 'fast' });
  home.drop('promotions', 'mine.json', { schema: 'v9' });
  folder = mkdtempSync(join(tmpdir(), 'kloros-backup-'));
  file = join(folder, 'kloros.backup');
});
afterEach(async () => {
  await closeContext(ctx);
  home.remove();
  rmSync(folder, { recursive: true, force: true });
});

const restore = (over: Partial<Parameters<typeof restoreBackup>[0]> = {}) =>
  restoreBackup({ file, home: join(folder, 'restored'), actor: 'test', ...over });

async function inRestored<T>(
  work: (restored: Context) => Promise<T>,
  root = join(folder, 'restored'),
): Promise<T> {
  const restored = await openContext({ home: root, env: { PATH: process.env.PATH } });
  try {
    return await work(restored);
  } finally {
    await closeContext(restored);
  }
}

describe('a backup', () => {
  test('is one file for its owner alone, and leaves the home as it is', async () => {
    const before = await readEvents(ctx.db);
    await createBackup(ctx, file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['kloros.backup']);
    expect(await readEvents(ctx.db)).toEqual(before);
  });

  test('never takes the place of a file unasked, and keeps that one then', async () => {
    writeFileSync(file, 'older');
    await expect(createBackup(ctx, file)).rejects.toMatchObject({ code: 'KLR_E_BACKUP_EXISTS' });
    const { kept } = await createBackup(ctx, file, { force: true });
    expect(readFileSync(kept ?? '', 'utf8')).toBe('older');
  });

  test('is refused inside the home', async () => {
    await expect(createBackup(ctx, join(home.home, 'x'))).rejects.toMatchObject({ code: 'KLR_E_USAGE' });
  });

  test('follows no link and reads no pipe that somebody dropped', async () => {
    symlinkSync('/etc/passwd', join(home.home, 'intents', 'a.json'));
    await createBackup(ctx, file);
    await restore();
    expect(existsSync(join(folder, 'restored', 'intents', 'a.json'))).toBe(false);
  });
});

describe('a restored home', () => {
  test('verifies, and holds what the first one held', async () => {
    await createBackup(ctx, file);
    const told = await restore();
    expect(told).toMatchObject({ baselines: 2, kept: null, configFile: home.configFile });
    const [mine, events] = [await currentBaseline(ctx.db, ctx.config), await readEvents(ctx.db)];
    await inRestored(async (restored) => {
      expect(await currentBaseline(restored.db, restored.config)).toEqual(mine);
      expect((await readEvents(restored.db)).slice(0, events.length)).toEqual(events);
      expect((await verifyLedger(restored.db)).ok).toBe(true);
      expect((await verifyChain(restored)).ok).toBe(true);
      expect((await readBaseline(restored.paths.baseline))?.version).toBe(2);
    });
    expect(readFileSync(join(folder, 'restored', 'promotions', 'mine.json'), 'utf8')).toBe('{"schema":"v9"}');
    const { findings } = await examine({
      home: join(folder, 'restored'),
      env: { PATH: process.env.PATH },
      unitFolders: [],
    });
    expect(findings).toEqual([]);
  });

  test('is disabled, and says in its ledger where it comes from', async () => {
    await createBackup(ctx, file);
    await restore();
    await inRestored(async (restored) => {
      expect(readMode(restored)).toBe('disabled');
      expect((await readEvents(restored.db, { kind: 'home.restored' }))[0]?.data).toMatchObject({
        from: home.home,
      });
      expect((await runTick(restored)).outcome).toBe('DISABLED');
    });
  });

  test('brings its kloros.yaml along when that is gone', async () => {
    await createBackup(ctx, file);
    const text = readFileSync(home.configFile, 'utf8').replace(/module: .*/, 'command: [node, x]');
    rmSync(home.configFile);
    const { configFile } = await restore();
    expect(configFile).toBe(join(folder, 'restored', 'kloros.yaml'));
    expect(readFileSync(configFile, 'utf8').replace(/module: .*/, 'command: [node, x]')).toBe(text);
  });

  test('has closed modes, whatever the backup had', async () => {
    await createBackup(ctx, file);
    chmodSync(file, 0o644);
    await restore();
    const root = join(folder, 'restored');
    const open = readdirSync(root, { recursive: true, withFileTypes: true })
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => (statSync(path).mode & 0o077) !== 0);
    expect(open).toEqual([]);
  });
});

test('a backup that is taken while another process commits is of one moment', async () => {
  const writer = await home.open();
  let going = true;
  const commits = (async () => {
    for (let cache = 300; going && cache < 340; cache++) await commitWhole(writer, { cache });
  })();
  const files = [];
  for (let n = 0; n < 5; n++) {
    const path = join(folder, `${n}.backup`);
    await createBackup(ctx, path);
    files.push(path);
  }
  going = false;
  await commits;
  await closeContext(writer);
  const seen = new Set<number>();
  for (const [n, path] of files.entries()) {
    const root = join(folder, `home-${n}`);
    const { baselines } = await restoreBackup({ file: path, home: root, actor: 'test' });
    await inRestored(async (restored) => {
      const chain = await verifyChain(restored);
      expect(chain).toMatchObject({ ok: true, versions: baselines });
      seen.add(baselines);
      expect((await readBaseline(restored.paths.baseline))?.version).toBe(baselines);
    }, root);
  }
  expect(seen.size).toBeGreaterThan(1);
});

test('a file that is owed when the backup is taken is written by the restore', async () => {
  await ctx.db.transaction((tx) => owe(tx, ctx.clock.now(), 'signals/late', 'late'));
  await createBackup(ctx, file);
  await deliverOutbox(ctx);
  await restore();
  expect(readFileSync(join(folder, 'restored', 'signals', 'late'), 'utf8')).toBe('late');
});

describe('refused, and nothing is changed', () => {
  const edit = (sql: string) => {
    const db = new DatabaseSync(file);
    db.exec(sql);
    db.close();
  };

  test.each([
    [
      'a file that was changed in it',
      () => edit("UPDATE backup_files SET content = 'x' WHERE path = 'baseline/baseline.yaml'"),
    ],
    ['a file that was taken out', () => edit("DELETE FROM backup_files WHERE path = 'mode'")],
    ['a path that leads out', () => edit("UPDATE backup_files SET path = '../out' WHERE path = 'mode'")],
    ['an absolute path', () => edit("UPDATE backup_files SET path = '/tmp/out' WHERE path = 'mode'")],
    ['an event that was rewritten', () => edit("UPDATE events SET data = '{}' WHERE seq = 2")],
    ['a baseline that was rewritten', () => edit("UPDATE baselines SET params = '{}' WHERE version = 1")],
    ['another database', () => edit('DROP TABLE backup_facts')],
    ['noise', () => writeFileSync(file, 'noise'.repeat(1000))],
    ['a torn file', () => writeFileSync(file, readFileSync(file).subarray(0, 40_000))],
    ['no file', () => rmSync(file)],
  ])('%s', async (_, spoil) => {
    await createBackup(ctx, file);
    spoil();
    await expect(restore()).rejects.toMatchObject({ code: 'KLR_E_BACKUP_INVALID' });
    expect(readdirSync(folder).filter((name) => name !== 'kloros.backup')).toEqual([]);
  });

  test('a place that is not empty, unless forced: then the home there is kept', async () => {
    await createBackup(ctx, file);
    await expect(restore({ home: home.home })).rejects.toMatchObject({ code: 'KLR_E_RESTORE_OCCUPIED' });
    await commitWhole(ctx, { cache: 700 });
    await closeContext(ctx);
    const { kept, baselines } = await restore({ home: home.home, force: true });
    expect(baselines).toBe(2);
    expect((await readBaseline(join(kept ?? '', 'baseline')))?.version).toBe(3);
    ctx = await home.open();
    expect((await currentBaseline(ctx.db, ctx.config)).version).toBe(2);
  });

  test('a home that somebody works on', async () => {
    await createBackup(ctx, file);
    const lock = await takeBaselineLock(ctx);
    try {
      await expect(restore({ home: home.home, force: true })).rejects.toMatchObject({
        code: 'KLR_E_LOCK_HELD',
      });
    } finally {
      lock.release();
    }
    expect((await currentBaseline(ctx.db, ctx.config)).version).toBe(2);
  });
});

test('the two commands, one after the other', async () => {
  mkdirSync(join(folder, 'new'));
  appendFileSync(home.settings, '');
  const made = await kloros({ home: home.home }, 'backup', file);
  expect(made.exit, made.stderr).toBe(0);
  const ran = await kloros({ home: join(folder, 'new') }, 'restore', file, '--json');
  expect(ran.exit, ran.stderr).toBe(0);
  expect(JSON.parse(ran.stdout)).toMatchObject({ schema: 'kloros.restore/v1', baselines: 2 });
  expect((await kloros({ home: join(folder, 'new') }, 'ledger', 'verify')).exit).toBe(0);
});
