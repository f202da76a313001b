import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { closeContext } from '../../src/home/open.ts';
import { carryOutImport, planImport } from '../../src/import/import.ts';
import type { ImportItem } from '../../src/import/types.ts';
import type { Context } from '../../src/index.ts';
import { getPromotion, listPromotions, readEvents, runTick, verifyLedger } from '../../src/index.ts';
import { lastUsedDate } from '../../src/phase/epochs-ledger.ts';
import { kloros } from '../support/kloros.ts';
import { type LoopHome, loopHome } from '../support/loop.ts';
import { type OldFixture, oldHome } from './old-home.ts';

let home: LoopHome;
let ctx: Context;
let old: OldFixture;

beforeEach(async () => {
  home = await loopHome();
  ctx = await home.open();
  old = oldHome();
});
afterEach(async () => {
  await closeContext(ctx);
  home.remove();
  rmSync(old.root, { recursive: true, force: true });
});

async function bringAlong(): Promise<ImportItem[]> {
  const items = await planImport(ctx, old.root);
  await carryOutImport(ctx, items, { folder: old.root, actor: 'test' });
  return items;
}

/** Every path of a tree with its size, time and content. */
function fingerprint(root: string): string {
  const hash = createHash('sha256');
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    // The database is compared by what it tells.
    if (entry.name.startsWith('kloros.db')) continue;
    const path = join(entry.parentPath, entry.name);
    const { mtimeMs, mode } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: 0, mode: 0 };
    hash.update(JSON.stringify([path, mtimeMs, mode]));
    if (entry.isFile()) hash.update(readFileSync(path));
  }
  return hash.digest('hex');
}

const outcomes = (items: readonly ImportItem[], kind: string) =>
  items.filter((item) => item.kind === kind).map(({ outcome }) => outcome.do);
const refused = (items: readonly ImportItem[]) =>
  items.flatMap(({ name, outcome }) => (outcome.do === 'refuse' ? [[name, outcome.code]] : []));

describe('a home of the first system', () => {
  test('is brought along whole', async () => {
    const items = await bringAlong();
    expect(refused(items)).toEqual([]);
    expect(outcomes(items, 'promotion')).toEqual(['copy', 'copy', 'copy']);
    expect(outcomes(items, 'ack')).toEqual(['copy']);
    expect(outcomes(items, 'epoch')).toEqual(['line', 'line']);
    expect(outcomes(items, 'signal')).toEqual(['copy', 'copy']);
    expect(outcomes(items, 'baseline')).toEqual(['record', 'record', 'record']);
    expect(outcomes(items, 'escrow')).toEqual(['record']);
    expect(outcomes(items, 'intent')).toEqual(['copy']);
    expect((await verifyLedger(ctx.db)).ok).toBe(true);
    expect((await readEvents(ctx.db, { kind: 'imported.baseline' })).map(({ subject }) => subject)).toEqual([
      'v1',
      'v2',
      'v3',
    ]);
  });

  test('is only read', async () => {
    const before = fingerprint(old.root);
    await bringAlong();
    expect(fingerprint(old.root)).toBe(before);
  });

  test('brought along again, changes nothing', async () => {
    await bringAlong();
    const before = [fingerprint(home.home), await readEvents(ctx.db)];
    const again = await bringAlong();
    expect(new Set(again.map(({ outcome }) => outcome.do))).toEqual(new Set(['nothing', 'advise']));
    expect([fingerprint(home.home), await readEvents(ctx.db)]).toEqual(before);
  });

  test('as a dry run writes nothing', async () => {
    const before = fingerprint(home.home);
    expect(refused(await planImport(ctx, old.root))).toEqual([]);
    expect(fingerprint(home.home)).toBe(before);
  });
});

test('the loop goes on from it: answered is answered, out of bounds is rejected, what waits is searched', async () => {
  await bringAlong();
  await runTick(ctx);
  expect(await getPromotion(ctx.db, 'demo:1761000000')).toMatchObject({ state: 'superseded' });
  expect(await getPromotion(ctx.db, 'wild')).toMatchObject({ state: 'rejected' });
  expect((await listPromotions(ctx.db, {})).map(({ id }) => id)).toContain('waiting');
});

test('a date that the first system used stays used, and its lines stay as they were', async () => {
  await bringAlong();
  expect(await lastUsedDate(ctx, '2025-10-28')).toBe('2025-10-28');
  expect(home.read('processed', 'epochs.jsonl')).toBe(
    readFileSync(join(old.root, '.kloros/processed/epochs.jsonl'), 'utf8'),
  );
});

test('variables become advice: settings with their value, and no value of what may be a secret', async () => {
  const items = await planImport(ctx, old.root);
  const advice = Object.fromEntries(
    items.flatMap(({ name, outcome }) => (outcome.do === 'advise' ? [[name, outcome.advice]] : [])),
  );
  expect(advice.KLR_MAX_INTENT_QUEUE).toContain('intents.max_waiting: 50');
  expect(advice.KLR_ORCHESTRATION_MODE).toContain('kloros enable');
  expect(advice.CACHE_SIZE).toContain('experiments.demo.parameters.cache.default: 64');
  expect(advice.CACHE_SIZE).toContain('CACHE_SIZE');
  expect(JSON.stringify(items)).not.toMatch(/hunter2|s3cret/);
});

describe('what is damaged is told and left behind, and the rest comes along', () => {
  const versions = 'system/baseline/versions';
  test.each([
    [
      'a torn promotion',
      'torn',
      () => old.write('artifacts/dream/promotions/torn.json', '{"schema": "v1", "id'),
    ],
    ['an empty ACK', 'torn', () => old.write('artifacts/dream/promotions_ack/empty_ack.json', '')],
    [
      'a promotion with NaN',
      'torn',
      () => old.write('artifacts/dream/promotions/n.json', '{"fitness": NaN}'),
    ],
    ['a promotion of no object', 'torn', () => old.write('artifacts/dream/promotions/l.json', '[1]')],
    [
      'bad UTF-8',
      'torn',
      () => writeFileSync(join(old.root, '.kloros/intents/u.json'), Buffer.from([0x7b, 0xff, 0x7d])),
    ],
    [
      'a torn last line of epochs.jsonl',
      'torn',
      () =>
        writeFileSync(join(old.root, '.kloros/processed/epochs.jsonl'), '{"epoch_id": "e9", "da', {
          flag: 'a',
        }),
    ],
    ['a link', 'unreadable', () => symlinkSync('/etc/passwd', join(old.root, '.kloros/intents/l.json'))],
    ['an unsafe name', 'unsafe-name', () => old.write('.kloros/intents/a b.json', {})],
    ['a report that grew after its signal', 'report-changed', () => old.write('report.jsonl', '{}\n{}\n')],
    ['a version without its content', 'gap', () => rmSync(join(old.root, versions, 'baseline_v0002.yaml'))],
    ['a content that was edited', 'gap', () => old.write(`${versions}/baseline_v0002.yaml`, 'cache: 9\n')],
    [
      'a version that is missing',
      'gap',
      () => {
        for (const name of ['baseline_v0002.yaml', 'manifest_v0002.json'])
          rmSync(join(old.root, versions, name));
      },
    ],
    [
      'a pruned beginning',
      'gap',
      () => {
        for (const name of ['baseline_v0001.yaml', 'manifest_v0001.json'])
          rmSync(join(old.root, versions, name));
      },
    ],
    ['a torn manifest', 'torn', () => old.write(`${versions}/manifest_v0003.json`, '{"version": 3,')],
  ])('%s', async (_, code, damage) => {
    const sound = (await planImport(ctx, old.root)).filter(({ outcome }) => outcome.do !== 'advise');
    damage();
    const items = await bringAlong();
    const told = refused(items);
    expect(told.map(([, problem]) => problem)).toContain(code);
    for (const { outcome } of items) if (outcome.do === 'refuse') expect(outcome.mend).not.toBe('');
    const done = items.filter(({ outcome }) => !['refuse', 'advise'].includes(outcome.do));
    expect(done.length).toBeGreaterThanOrEqual(sound.length - 2);
    expect((await verifyLedger(ctx.db)).ok).toBe(true);
  });

  test('a file of the same name in the home is not replaced', async () => {
    home.drop('promotions', 'waiting.json', { mine: true });
    const items = await bringAlong();
    expect(refused(items)).toEqual([['waiting.json', 'conflict']]);
    expect(home.read('promotions', 'waiting.json')).toBe('{"mine":true}');
  });
});

describe('the command', () => {
  test('says what would be done, does it, and then has nothing to do', async () => {
    const run = (...args: string[]) => kloros({ home: home.home }, 'import', old.root, '--json', ...args);
    const dry = await run('--dry-run');
    expect(dry.exit, dry.stderr).toBe(0);
    expect(existsSync(join(home.home, 'promotions', 'waiting.json'))).toBe(false);
    const done = await run();
    expect(JSON.parse(done.stdout)).toEqual({ ...JSON.parse(dry.stdout), dryRun: false });
    expect(existsSync(join(home.home, 'promotions', 'waiting.json'))).toBe(true);
    const again = JSON.parse((await run()).stdout) as { items: { do: string }[] };
    expect(new Set(again.items.map((item) => item.do))).toEqual(new Set(['nothing', 'advise']));
  });

  test('ends with 65 when something was left behind, and prints no control character of it', async () => {
    old.write('.kloros/intents/a\u001b[31m.json', {});
    const ran = await kloros({ home: home.home }, 'import', old.root);
    expect(ran.exit).toBe(65);
    expect(ran.stdout).toContain('unsafe-name');
    expect(ran.stdout + ran.stderr).not.toContain('\u001b');
  });

  test('refuses a folder that holds nothing of it', async () => {
    const ran = await kloros({ home: home.home }, 'import', join(old.root, 'artifacts'));
    expect(ran).toMatchObject({ exit: 64 });
    expect(ran.stderr).toContain('KLR_E_IMPORT_NOTHING');
  });
});
