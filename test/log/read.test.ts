import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { followLog, type LogFilter, readLog } from '../../src/log/read.ts';
import { structuredLogger } from '../../src/log/structured.ts';
import { virtualClock } from '../support/context.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kloros-log-'));
  file = join(folder, 'structured.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function eventsOf(filter: LogFilter = {}): Promise<string[]> {
  return (await Array.fromAsync(readLog(file, filter))).map((line) => line.event);
}

test('lines are read in the order in which they were written, through every rotation', async () => {
  const log = structuredLogger(nodeFileSystem, virtualClock(), file, {
    bytes: 60,
    files: 15,
    ageMs: 86_400_000,
  });
  const names = Array.from({ length: 14 }, (_, i) => `event.${i}`);
  for (const name of names) log.event(name);
  expect(await eventsOf()).toEqual(names);
});

test('a torn line, another program’s line and an empty one are passed over', async () => {
  writeFileSync(
    file,
    '{"ts":"2026-11-24T00:00:00Z","event":"a"}\n\n{"ts":"2026\nplain\n[]\nnull\n{"event":"no time"}\n',
  );
  appendFileSync(file, '{"ts":"2026-11-24T00:00:01Z","event":"b"}\n');
  expect(await eventsOf()).toEqual(['a', 'b']);
});

test('only lines since a time and of an event are given', async () => {
  const clock = virtualClock();
  const log = structuredLogger(nodeFileSystem, clock, file);
  log.event('a');
  clock.advance(1000);
  const since = clock.now();
  log.event('a', { reason: 'late' });
  log.event('b');
  expect(await eventsOf({ since })).toEqual(['a', 'b']);
  expect(await eventsOf({ since, event: 'a' })).toEqual(['a']);
});

test('no log is no line', async () => {
  expect(await eventsOf()).toEqual([]);
});

test('following gives each new line once: a torn one when it is whole, and those of the file after a rotation', async () => {
  const line = (event: string) => `{"ts":"2026-11-24T00:00:00Z","event":"${event}"}\n`;
  writeFileSync(file, line('old'));
  const stop = new AbortController();
  const follow = followLog(file, {}, { signal: stop.signal, sleep: (ms) => sleep(ms), everyMs: 5 });
  const next = async () => (await follow.next()).value?.event;

  const first = next();
  await sleep(20);
  appendFileSync(file, line('one').slice(0, 20));
  await sleep(20);
  appendFileSync(file, line('one').slice(20) + line('two'));
  expect([await first, await next()]).toEqual(['one', 'two']);

  appendFileSync(file, line('last of the old file'));
  renameSync(file, `${file}.1`);
  writeFileSync(file, line('first of the new file'));
  expect([await next(), await next()]).toEqual(['last of the old file', 'first of the new file']);

  const end = follow.next();
  stop.abort();
  expect((await end).done).toBe(true);
});
