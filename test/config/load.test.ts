import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { sha256Hex } from '../../src/store/json.ts';
import { newFolder, SOUND, writeConfig } from './config-file.ts';

async function errorOf(file: string): Promise<unknown> {
  return loadConfig(file).then(
    () => 'no error',
    (error: unknown) => error,
  );
}

describe('what is loaded', () => {
  test('is in milliseconds and bytes, with defaults, the hash of the bytes and the folder', async () => {
    const file = writeConfig(SOUND);
    const loaded = await loadConfig(file);
    expect(loaded).toMatchObject({ file, dir: dirname(file), hash: sha256Hex(readFileSync(file)) });
    expect(loaded.config.experiments.demo?.limits).toMatchObject({
      timeout: 30_000,
      memory: 64 * 2 ** 20,
      nice: 0,
    });
    expect(loaded.config.phase).toMatchObject({ alpha: 0.05, window: { zone: 'Europe/Berlin' } });
  });

  test('says of each value whether it is a default or on which line it stands', async () => {
    const origins = (await loadConfig(writeConfig(SOUND))).origins();
    expect(origins.get('experiments.demo.parameters.cache.high')).toEqual({
      value: 1024,
      origin: 'kloros.yaml:5',
    });
    expect(origins.get('experiments.demo.forbidden.0')?.origin).toBe('kloros.yaml:15');
    expect(origins.get('phase.alpha')).toEqual({ value: 0.05, origin: 'default' });
    expect(origins.get('experiments.demo.search.points.0.cache')).toEqual({
      value: 128,
      origin: 'kloros.yaml:28',
    });
  });

  test.each([
    ['Windows line ends', SOUND.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${SOUND}`],
    ['a document marker', `---\n${SOUND}`],
  ])('is the same with %s', async (_name, text) => {
    const plain = await loadConfig(writeConfig(SOUND));
    expect((await loadConfig(writeConfig(text))).config).toEqual(plain.config);
  });

  test('may be named by a link', async () => {
    const link = join(newFolder(), 'link.yaml');
    symlinkSync(writeConfig(SOUND), link);
    expect((await loadConfig(link)).dir).toBe(dirname(link));
  });
});

describe('a file that cannot be read is one clear message', () => {
  test('missing', async () => {
    const file = join(newFolder(), 'none.yaml');
    expect(await errorOf(file)).toMatchObject({ code: 'KLR_E_CONFIG_MISSING', exit: 78, where: file });
  });

  test('a folder', async () => {
    expect(await errorOf(newFolder())).toMatchObject({
      code: 'KLR_E_CONFIG_INVALID',
      message: expect.stringContaining('is not a regular file'),
    });
  });

  test('a FIFO, without waiting for a writer', async () => {
    const fifo = join(newFolder(), 'fifo.yaml');
    execFileSync('mkfifo', [fifo]);
    expect(await errorOf(fifo)).toMatchObject({ message: expect.stringContaining('is not a regular file') });
  });

  test('2 GiB, of which no more than the limit is read', async () => {
    const file = writeConfig('');
    truncateSync(file, 2 ** 31);
    expect(await errorOf(file)).toMatchObject({ message: expect.stringContaining('is larger than 1 MiB') });
  });

  test('a file under a file', async () => {
    expect(await errorOf(join(writeConfig(SOUND), 'kloros.yaml'))).toMatchObject({
      code: 'KLR_E_CONFIG_MISSING',
    });
  });

  test('a link in a circle', async () => {
    const link = join(newFolder(), 'circle.yaml');
    symlinkSync(link, link);
    expect(await errorOf(link)).toMatchObject({
      code: 'KLR_E_CONFIG_INVALID',
      message: expect.stringContaining('cannot be read (ELOOP)'),
    });
  });
});

describe('what is no YAML is a syntax error with its line', () => {
  test.each<[string, string | Uint8Array, string, string]>([
    ['nothing', '', ':1:1', 'the file is empty'],
    ['comments alone', '# nothing\n', ':1:1', 'the file is empty'],
    ['an open list', 'version: 1\nexperiments: [a, b\nphase: 3\n', ':3:1', 'Flow sequence'],
    ['a tab', 'version: 1\nphase:\n\talpha: 0.1\n', ':3:1', 'Tabs are not allowed'],
    ['a line that is indented between', 'phase:\n  alpha: 1\n slices: 2\n', ':3:1', 'same column'],
    ['an open quote', 'version: 1\nx: "open\n', ':3:1', 'Missing closing'],
    ['two documents', 'version: 1\n---\nversion: 1\n', ':2:1', 'multiple documents'],
    [
      'another encoding',
      Buffer.from([0x61, 0x3a, 0x20, 0x31, 0x0a, 0x62, 0x3a, 0x20, 0xff]),
      ':2:4',
      'not UTF-8 text',
    ],
    ['UTF-16', Buffer.from(SOUND, 'utf16le'), ':1:2', 'not UTF-8 text'],
    ['bytes without meaning', Buffer.alloc(4096, 0xfe), ':1:1', 'not UTF-8 text'],
    ['depth that breaks a parser', '['.repeat(200_000), ':1:', 'nested too deeply'],
  ])('%s', async (_name, content, place, message) => {
    const file = writeConfig(content);
    expect(await errorOf(file)).toMatchObject({
      code: 'KLR_E_CONFIG_SYNTAX',
      where: expect.stringMatching(new RegExp(`^${RegExp.escape(file + place)}`)),
      message: expect.stringContaining(message),
    });
  });

  test.each([['text'], ['- a list'], ['5'], ['null'], ['~']])(
    '%s alone is no configuration',
    async (content) => {
      expect(await errorOf(writeConfig(content))).toMatchObject({
        code: 'KLR_E_CONFIG_INVALID',
        message: expect.stringContaining(':1:1: expected a mapping'),
      });
    },
  );
});

test('an alias bomb is refused without being expanded', async () => {
  const levels = Array.from(
    { length: 30 },
    (_, i) => `b${i + 1}: &b${i + 1} [${`*b${i}, `.repeat(9)}*b${i}]`,
  );
  const error = await errorOf(writeConfig(`b0: &b0 [x]\n${levels.join('\n')}\n`));
  expect(error).toMatchObject({
    code: 'KLR_E_CONFIG_INVALID',
    message: expect.stringContaining('aliases are not used'),
  });
});

test('a file of a hundred thousand keys is refused in linear time', async () => {
  const keys = Array.from({ length: 100_000 }, (_, i) => `k${i}:`).join('\n');
  expect(await errorOf(writeConfig(keys))).toMatchObject({
    message: expect.stringMatching(/… and \d+ more$/),
  });
});

test('no part of a sound file, cut anywhere, is loaded as another configuration by surprise', async () => {
  const whole = (await loadConfig(writeConfig(SOUND))).config;
  const folder = newFolder();
  mkdirSync(folder, { recursive: true });
  const outcomes = new Set<string>();
  for (let length = 0; length < SOUND.length; length += 7) {
    const file = join(folder, 'cut.yaml');
    writeFileSync(file, SOUND.slice(0, length));
    const result = await loadConfig(file).catch((error: { code: string }) => error.code);
    if (typeof result === 'string') outcomes.add(result);
    // A cut between two sections is a smaller sound file; what it says of the experiment is said in whole lines.
    else expect(result.config.experiments.demo?.parameters).toEqual(whole.experiments.demo?.parameters);
  }
  expect([...outcomes].sort()).toEqual(['KLR_E_CONFIG_INVALID', 'KLR_E_CONFIG_SYNTAX']);
});
