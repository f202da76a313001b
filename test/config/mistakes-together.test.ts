import { symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { checkSource } from '../../src/config/check.ts';
import { loadConfig } from '../../src/config/load.ts';
import { readSource } from '../../src/config/source.ts';
import { KlorosError } from '../../src/errors.ts';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { changed, newFolder, SOUND, writeConfig } from './config-file.ts';
import { check } from './mistake-table.ts';

test('the file that the tables start from is sound', () => {
  expect(check(SOUND)).toMatchObject({ ok: true });
});

test('a mistake is printed as file:line:column, the line itself and a caret', async () => {
  const file = writeConfig(changed('log: true,', 'lgo: true,'));
  const error = await loadConfig(file).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(KlorosError);
  expect(error).toMatchObject({ code: 'KLR_E_CONFIG_INVALID', exit: 78, where: `${file}:5:47` });
  expect((error as KlorosError).message).toBe(
    [
      `${file}:5:47: unknown key "lgo" (did you mean "log"?)`,
      '  5 |       cache: { type: int, low: 8, high: 1024, lgo: true, default: 64 }',
      '    |                                               ^',
    ].join('\n'),
  );
});

test('all mistakes are shown at once, of shape and of sense, in the order of the file', () => {
  const text = changed('high: 1024, log: true', 'high: 4, log: true')
    .replace('type: float', 'type: flaot')
    .replace('Europe/Berlin', 'Mars/Olympus')
    .replace('limits: {', 'limit: {')
    .replace('version: 1', 'version: 1\nversoin: 1');
  const checked = check(text);
  expect(checked.ok || checked.problems.map((p) => [p.line, p.message.slice(0, 24)])).toEqual([
    [2, 'unknown key "versoin" (d'],
    [6, 'low (8) has to be below '],
    [7, 'expected one of float, i'],
    [20, 'unknown key "limit" (did'],
    [33, '"Mars/Olympus" is no IAN'],
  ]);
});

test('a target inside the home is refused when the home is known', () => {
  const file = writeConfig(SOUND);
  const inside = (home: string) => checkSource(readSource(file, nodeFileSystem), home);
  expect(inside(`${dirname(file)}/home`)).toMatchObject({ ok: true });
  expect(inside(`${dirname(file)}/out`)).toMatchObject({
    ok: false,
    problems: [{ path: 'experiments.demo.apply.file', message: expect.stringContaining('inside the home') }],
  });
});

test('a target inside the home is found through a link to the folder of the configuration', () => {
  const folder = dirname(writeConfig(SOUND));
  const link = join(newFolder(), 'link');
  symlinkSync(folder, link);
  const checked = checkSource(readSource(join(link, 'kloros.yaml'), nodeFileSystem), join(folder, 'out'));
  expect(checked).toMatchObject({ ok: false, problems: [{ path: 'experiments.demo.apply.file' }] });
});

test.each([
  ['the same keys', 'format: json, section: tuning', 1],
  ['another format', 'format: yaml, section: other', 1],
  ['another section', 'format: json, section: other', 0],
])('two experiments in one file with %s: %s gives %i problems', (_, how, count) => {
  const [head = '', rest = ''] = SOUND.split('  demo:\n');
  const [demo = '', tail = ''] = rest.split('phase:\n');
  const second = demo.replace('format: json, section: tuning', how);
  const checked = check(`${head}  demo:\n${demo}  second:\n${second}phase:\n${tail}`);
  expect(checked.ok ? 0 : checked.problems.length).toBe(count);
});

test('a flood of mistakes and a line without end give a message of bounded size', async () => {
  const flood = Array.from({ length: 5000 }, (_, i) => `wrong${i}: 1`).join('\n');
  const long = `x: "${'y'.repeat(100_000)}"`;
  const error = await loadConfig(writeConfig(`${SOUND}${long}\n${flood}\n`)).catch((e: unknown) => e);
  expect((error as KlorosError).message.length).toBeLessThan(60_000);
  expect((error as KlorosError).message).toMatch(/… and 4901 more$/);
});
