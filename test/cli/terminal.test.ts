import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeOutput, pairs, printable, table } from '../../src/cli/output.ts';
import { kloros, klorosOnTerminal, MAIN, run } from '../support/kloros.ts';
import { type LoopHome, loopHome } from '../support/loop.ts';

let home: LoopHome;
const ESC = '\u001b';
/** Tries to colour, to move the cursor, to set the title, and to turn the direction of writing. */
const HOSTILE = `${ESC}[31mred${ESC}[2J${ESC}]0;title\u0007\u009b1A\u202etxt\u2069`;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
const DANGEROUS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

beforeAll(async () => {
  home = await loopHome();
});
afterAll(() => home.remove());

/** Runs a shell line in which `kloros` is the command. */
function shell(line: string, env: Record<string, string> = {}) {
  const define = `kloros() { '${process.execPath}' '${MAIN}' "$@"; }`;
  return run('bash', ['--norc', '-c', `${define}\n${line}`], { home: home.home, cwd: home.root, env });
}

const onTerminal = (line: string, env: Record<string, string>) =>
  klorosOnTerminal({ home: home.home, env }, line);

describe('text from outside', () => {
  test('never brings a control character to the terminal, in words, in JSON or in an error', async () => {
    const reason = `look${HOSTILE}`;
    const where = { home: home.home };
    await kloros(where, 'kill', reason);
    const shown = await Promise.all([
      kloros(where, 'status'),
      kloros(where, 'status', '--json'),
      kloros(where, 'ledger', 'list'),
      kloros(where, 'ledger', 'list', '--json'),
      kloros(where, 'promotions', 'show', HOSTILE),
      kloros(where, 'promotions', 'show', HOSTILE, '--json'),
    ]);
    await kloros(where, 'revive');
    for (const { stdout, stderr } of shown) expect(`${stdout}${stderr}`).not.toMatch(DANGEROUS);
    expect(shown[0]?.stdout).toContain('KILLED: look\ufffd[31mred');
    // In JSON nothing is lost: it is only written so that a terminal does not act on it.
    expect(JSON.parse(shown[1]?.stdout ?? '').kill.reason).toContain('\u009b1A\u202etxt');
  });

  test('cannot add a line to a table or to a list of pairs', () => {
    expect(table(['A', 'B'], [['x\nFAKE  row', 'y\r\nz']]).split('\n')).toHaveLength(2);
    expect(pairs([['state', 'waiting\nstate  approved']]).split('\n')).toHaveLength(1);
  });

  test('is the same text where it is harmless', () => {
    expect(printable('größer → 3\tµs\n')).toBe('größer → 3\tµs\n');
  });
});

describe('colour', () => {
  test.each([
    ['a terminal', {}, '', true],
    ['a terminal with NO_COLOR', { NO_COLOR: '1' }, '', false],
    ['a dumb terminal', { TERM: 'dumb' }, '', false],
    ['a terminal with --color never', {}, ' --color never', false],
    ['a terminal with NO_COLOR and --color always', { NO_COLOR: '1' }, ' --color always', true],
  ])('on %s', async (_where, env, option, coloured) => {
    const { stdout } = await onTerminal(`status${option}`, env);
    expect(stdout).toMatch(/loop/);
    expect(stdout.includes(ESC)).toBe(coloured);
  });

  test('not in a pipe, but with --color always', async () => {
    expect((await shell('kloros status')).stdout).not.toContain(ESC);
    expect((await shell('kloros status --color always')).stdout).toContain(ESC);
  });

  test('does not disturb the columns of a table', () => {
    const out = makeOutput({ json: false, quiet: false, color: 'always' });
    const [heading = '', row = ''] = table(['STATE', 'NEXT'], [[out.paint('green', 'done'), 'x']]).split(
      '\n',
    );
    expect(stripVTControlCharacters(row).indexOf('x')).toBe(heading.indexOf('NEXT'));
  });
});

describe('streams', () => {
  test('a reader that goes away is no error', async () => {
    const { exit, stdout, stderr } = await shell('set -o pipefail; kloros config schema | head -1');
    expect({ exit, stdout, stderr }).toEqual({ exit: 0, stdout: '{\n', stderr: '' });
  });

  test('progress and notes go to stderr, and not with --quiet', async () => {
    const loud = await kloros({ home: home.home }, 'logs', '--event', 'nothing');
    expect(loud).toEqual({ exit: 0, stdout: '', stderr: 'no such line in the log\n' });
    expect((await kloros({ home: home.home }, 'logs', '--event', 'nothing', '-q')).stderr).toBe('');
  });

  test('ask-tell answers each line, the bad ones too, and needs no home', async () => {
    const lines = [
      '{"op":"init","space":[{"name":"x","type":"float","low":0,"high":1}],"directions":["min"],"budget":9,"seed":1}',
      'nonsense',
      '{"op":"ask"}',
    ];
    const { exit, stdout } = await kloros({ stdin: `${lines.join('\n')}\n` }, 'ask-tell');
    const answers = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect({ exit, answers }).toEqual({
      exit: 0,
      answers: [
        { ok: true },
        expect.objectContaining({ error: expect.anything(), code: expect.stringMatching(/^KLR_E_/) }),
        expect.objectContaining({ id: 0, params: { x: expect.any(Number) } }),
      ],
    });
  });

  test('a promotion comes from stdin too', async () => {
    const promotion = {
      schema: 'v2',
      id: 'by-pipe',
      timestamp: 1,
      fitness: 1,
      experiment: 'demo',
      changes: { cache: 64 },
    };
    const stdin = JSON.stringify(promotion);
    const { exit, stdout } = await kloros({ home: home.home, stdin }, 'promotions', 'submit', '-', '--json');
    expect({ exit, ...JSON.parse(stdout) }).toMatchObject({ exit: 0, id: 'by-pipe', file: 'by-pipe.json' });
    const flood = await kloros({ home: home.home, stdin: ' '.repeat(300_000) }, 'promotions', 'submit', '-');
    expect(flood).toMatchObject({ exit: 64, stderr: expect.stringContaining('256 KiB') });
  });

  test('logs --follow shows lines as they come, until it is interrupted, and ends with 0', async () => {
    const log = join(home.home, 'logs', 'structured.jsonl');
    const line = (event: string) => `{"ts":"${new Date().toISOString()}","event":"${event}"}\n`;
    appendFileSync(log, line('before'));
    const child = spawn(process.execPath, [MAIN, 'logs', '-f', '--event', 'mine', '--json'], {
      env: { PATH: process.env.PATH, KLOROS_HOME: home.home },
    });
    const ended = once(child, 'exit');
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
    });
    while (shown === '') {
      appendFileSync(log, line('other') + line('mine'));
      await sleep(100);
    }
    child.kill('SIGINT');
    expect(await ended).toEqual([0, null]);
    for (const text of shown.trim().split('\n')) expect(JSON.parse(text)).toMatchObject({ event: 'mine' });
  });
});
