import { lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { modeState, readMode, writeMode } from '../../src/home/mode.ts';
import { readEvents } from '../../src/store/ledger.ts';
import { deliverOutbox } from '../../src/store/outbox.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;

beforeEach(async () => {
  ctx = await testContext();
});

afterEach(() => ctx.cleanup());

const put = (text: string) => writeFileSync(ctx.paths.mode, text);
const withEnv = (word: string) => ({ ...ctx, env: { KLR_ORCHESTRATION_MODE: word } });

test('without a mode file the mode is disabled, and nothing is logged or written', () => {
  expect(readMode(ctx)).toBe('disabled');
  expect(modeState(ctx)).toEqual({ mode: 'disabled', origin: 'none', problem: null });
  expect(ctx.logged).toEqual([]);
});

test.for(['disabled', 'observe', 'enabled'] as const)(
  '%s in the file is the mode, with a line end or without',
  (mode) => {
    put(mode);
    expect(readMode(ctx)).toBe(mode);
    put(`${mode}\n`);
    expect(readMode(ctx)).toBe(mode);
    expect(ctx.logged).toEqual([]);
  },
);

test.for(['', '\n', 'Enabled', 'ENABLED', 'enable', 'enabled enabled', 'enabled\u0000', 'on', '1'])(
  '%j in the file is disabled, with a logged reason',
  (word) => {
    put(word);
    expect(readMode(ctx)).toBe('disabled');
    expect(ctx.logged).toMatchObject([{ name: 'mode.unknown', fields: { origin: 'file' } }]);
  },
);

test.for<[string, () => void]>([
  ['a folder', () => mkdirSync(ctx.paths.mode)],
  [
    'a symlink to a file that says enabled',
    () => {
      const file = join(ctx.configDir, 'elsewhere');
      writeFileSync(file, 'enabled');
      symlinkSync(file, ctx.paths.mode);
    },
  ],
  ['a huge file', () => put('enabled'.padEnd(5000))],
  ['bad UTF-8', () => writeFileSync(ctx.paths.mode, Buffer.from([0x65, 0xff]))],
])('%s in place of the file is disabled, with a logged reason', ([, place]) => {
  place();
  expect(readMode(ctx)).toBe('disabled');
  expect(ctx.logged).toMatchObject([{ name: 'mode.unknown' }]);
});

test('the environment overrides the file, in both directions; an unknown word there disables', () => {
  put('disabled');
  expect(readMode(withEnv('enabled'))).toBe('enabled');
  put('enabled');
  expect(readMode(withEnv('observe'))).toBe('observe');
  expect(readMode(withEnv('disabled'))).toBe('disabled');
  expect(ctx.logged).toEqual([]);
  expect(readMode(withEnv('yes'))).toBe('disabled');
  expect(ctx.logged).toMatchObject([{ name: 'mode.unknown', fields: { origin: 'environment' } }]);
  expect(readMode(withEnv(''))).toBe('enabled');
});

test('a stored mode is a 0600 file and an event that says who changed it from what', async () => {
  await writeMode(ctx, 'observe', 'ada');
  await writeMode(ctx, 'enabled', 'grace');
  expect(readFileSync(ctx.paths.mode, 'utf8')).toBe('enabled\n');
  expect(lstatSync(ctx.paths.mode).mode & 0o777).toBe(0o600);
  expect(await readEvents(ctx.db, { kind: 'mode.changed' })).toMatchObject([
    { subject: 'mode', data: { from: 'disabled', to: 'observe', actor: 'ada' } },
    { subject: 'mode', data: { from: 'observe', to: 'enabled', actor: 'grace' } },
  ]);
});

test('a mode whose file could not be written is recorded, and the next delivery writes it', async () => {
  const fs = {
    ...nodeFileSystem,
    renameSync: () => {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    },
  };
  await expect(writeMode({ ...ctx, fs }, 'observe', 'ada')).rejects.toMatchObject({
    code: 'KLR_E_DISK_FULL',
  });
  expect(readMode(ctx)).toBe('disabled');
  expect(await deliverOutbox(ctx)).toEqual(['mode']);
  expect(readMode(ctx)).toBe('observe');
  rmSync(ctx.paths.mode);
});
