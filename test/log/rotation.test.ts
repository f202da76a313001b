import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { structuredLogger } from '../../src/log/structured.ts';
import { virtualClock } from '../support/context.ts';

const DAY = 86_400_000;
let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kloros-log-'));
  file = join(folder, 'log');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (path = file) =>
  JSON.parse(readFileSync(path, 'utf8').trim().split('\n')[0] ?? '') as Record<string, unknown>;

test('a log grows to its size and its number of files, and no further', () => {
  const log = structuredLogger(nodeFileSystem, virtualClock(), file, { bytes: 1000, files: 3, ageMs: 1e12 });
  for (let n = 0; n < 500; n++) log.event('tick', { n });
  expect(readdirSync(folder).sort()).toEqual(expect.arrayContaining(['log.1', 'log.2']));
  expect(readdirSync(folder).length).toBeLessThanOrEqual(3);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThan(1100);
});

test('one file is kept when one is asked for', () => {
  const log = structuredLogger(nodeFileSystem, virtualClock(), file, { bytes: 200, files: 1, ageMs: 1e12 });
  for (let n = 0; n < 50; n++) log.event('tick', { n });
  expect(readdirSync(folder).length).toBeLessThanOrEqual(1);
});

test('files beyond a number that was lowered go', () => {
  for (const n of [1, 2, 3, 4]) writeFileSync(`${file}.${n}`, '');
  const log = structuredLogger(nodeFileSystem, virtualClock(Date.now()), file, {
    bytes: 1,
    files: 2,
    ageMs: 1e12,
  });
  log.event('a');
  expect(readdirSync(folder)).toEqual(['log.1']);
});

test('a quiet log is rotated by age, and what is too old goes', () => {
  const clock = virtualClock(Date.now());
  const log = structuredLogger(nodeFileSystem, clock, file, { bytes: 1e9, files: 5, ageMs: 10 * DAY });
  log.event('first');
  clock.advance(3 * DAY);
  log.event('second');
  expect(readdirSync(folder)).toEqual(['log.1']);
  log.event('third');
  utimesSync(`${file}.1`, new Date(clock.now() - 11 * DAY), new Date(clock.now() - 11 * DAY));
  clock.advance(3 * DAY);
  log.event('fourth');
  expect(readdirSync(folder)).toEqual(['log.1']);
  expect(line(`${file}.1`)).toMatchObject({ event: 'third' });
});

test.each([
  ['a control character', { reason: 'a\u001b[31mb\nc' }, { reason: 'a\ufffd[31mb\ufffdc' }],
  ['a field that holds a secret', { api_token: 'abc', password: 'x' }, { api_token: '***', password: '***' }],
  ['a password in an address', { reason: 'to postgres://me:pw@db/x' }, { reason: 'to postgres://***@db/x' }],
  ['a fencing token, which is none', { token: 12 }, { token: 12 }],
])('%s is cleaned', (_, fields, written) => {
  structuredLogger(nodeFileSystem, virtualClock(), file).event('x', fields as never);
  expect(line()).toMatchObject(written);
});

test('every event that the program logs is documented', () => {
  const root = join(import.meta.dirname, '..', '..');
  const page = readFileSync(join(root, 'docs', 'reference', 'log.md'), 'utf8');
  const documented = new Set([...page.matchAll(/^\| `([a-z.-]+)` \|/gm)].map(([, name]) => name));
  const logged = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [
      ...readFileSync(join(root, 'src', name), 'utf8').matchAll(/\.event\(\s*'([a-z.-]+)'/g),
    ])
    .map(([, name]) => name);
  expect(logged.length).toBeGreaterThan(5);
  expect(logged.filter((name) => !documented.has(name))).toEqual([]);
});
