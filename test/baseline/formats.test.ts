import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { parse as parseIni } from 'ini';
import { parse as parseToml } from 'smol-toml';
import { expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { renderTarget } from '../../src/baseline/render.ts';
import type { Params } from '../../src/config/parameters.ts';
import { type ApplyConfig, experimentSchema } from '../../src/config/schema.ts';
import { experimentConfig } from '../support/context.ts';

const experiment = experimentSchema.parse(
  experimentConfig({
    parameters: {
      cache: { type: 'int', low: -1024, high: 1024, default: 8 },
      ratio: { type: 'float', low: -1e9, high: 1e9, default: 0.5 },
      mode: { type: 'categorical', choices: ['slow', 'fast'], default: 'slow' },
      compress: { type: 'boolean', default: false },
    },
  }),
);
const params: Params = { cache: 64, ratio: 0.25, mode: 'fast', compress: true };

function apply(format: ApplyConfig['format'], rest: Partial<ApplyConfig> = {}): ApplyConfig {
  return { file: 'target', format, keys: {}, timeout: 1000, ...rest };
}
const render = (
  format: ApplyConfig['format'],
  current: string,
  rest: Partial<ApplyConfig> = {},
  values = params,
) => renderTarget(experiment, apply(format, rest), values, current, rest.template ?? '');

/** What each format's own library reads. */
const readers = {
  json: (text: string) => JSON.parse(text),
  yaml: (text: string) => parseYaml(text),
  toml: (text: string) => ({ ...parseToml(text, { integersAsBigInt: 'asNeeded' }) }),
  ini: (text: string) => ({ ...parseIni(text) }),
  env: (text: string) => ({ ...parseEnv(text) }),
} as const;
type Lines = keyof typeof readers;
const formats = Object.keys(readers) as Lines[];
const untyped = (value: unknown) => String(value);

test.each(formats)('%s: values of each type read back from a file that was not there', async (format) => {
  const read = readers[format](await render(format, ''));
  if (format === 'env') expect(read).toEqual({ cache: '64', ratio: '0.25', mode: 'fast', compress: 'true' });
  else if (format === 'ini')
    expect(read).toEqual({ cache: '64', ratio: '0.25', mode: 'fast', compress: true });
  else expect(read).toEqual(params);
});

const files: Record<Lines, string> = {
  json: '{\n    "name": "app",\n    "big": 9007199254740993,\n    "cache": 8,\n    "list": [1.0, 2]\n}\n',
  yaml: '# the app\nname: app   # kept as it is\nbig: 9007199254740993\non: 0o14\ncache: 8   # MiB\n\nother:\n  - {a: 1}\n  - *x\n'.replace(
    '*x',
    'plain text',
  ),
  toml: '# the app\nname = "app" # kept\nbig = 9007199254740993\ncache = 8   # MiB\n\n[other]\ncache = 1\ntext = """\ncache = 2\n"""\n',
  ini: '; the app\nname=app\n# more\ncache=8 ; MiB\n\n[other]\ncache=1\n',
  env: "# the app\nNAME=app\nexport cache=8 # MiB\nKEY='\ncache=9\n'\n",
};

test.each(formats)(
  '%s: what else is in the file is kept, byte for byte where it stands on lines of its own',
  async (format) => {
    const text = files[format];
    const rendered = await render(format, text);
    const kept = text.split('\n').filter((line) => !/cache/.test(line) && line.trim() !== '');
    if (format === 'json') expect(rendered).toContain('"big": 9007199254740993,');
    else for (const line of kept) expect(rendered.split('\n')).toContain(line);
    expect(rendered).toMatch(format === 'json' ? /"cache": 64/ : /cache\s*[=:]\s*64.*MiB/);
    expect(await render(format, rendered)).toBe(rendered);
  },
);

test.each(formats)('%s: CRLF and a byte order mark stay', async (format) => {
  const text = `\ufeff${files[format].replaceAll('\n', '\r\n')}`;
  const rendered = await render(format, format === 'env' ? `\ufeff# x\r\nA=1\r\n` : text);
  expect(rendered.startsWith('\ufeff')).toBe(true);
  expect(rendered.replaceAll('\r\n', '')).not.toContain('\n');
});

test.each(['json', 'yaml', 'toml', 'ini'] as const)(
  '%s: settings stand in their section, made when it is missing',
  async (format) => {
    const path = { section: 'storage.engine' };
    const first = await render(format, format === 'json' ? '{"a": 1}' : '', path);
    const at = (text: string) => readers[format](text).storage.engine;
    expect(untyped(at(first).cache)).toBe('64');
    const second = await render(format, first, path, { ...params, cache: 128 });
    expect(untyped(at(second).cache)).toBe('128');
    expect(await render(format, second, path, { ...params, cache: 128 })).toBe(second);
  },
);

test.each(formats)('%s: the key of a parameter that is not active is removed', async (format) => {
  const { mode: _, ...inactive } = params;
  const rendered = await render(format, await render(format, files[format]), {}, inactive);
  expect(readers[format](rendered)).not.toHaveProperty('mode');
  expect(untyped(readers[format](rendered).cache)).toBe('64');
});

test.each(formats)('%s: the target’s own names are used', async (format) => {
  const read = readers[format](await render(format, files[format], { keys: { cache: 'CACHE_MB' } }));
  expect(untyped(read.CACHE_MB)).toBe('64');
  expect(untyped(read.cache)).toBe('8');
});

test.each([
  ['json', '{"a": 1,}'],
  ['json', '[1]'],
  ['yaml', 'a: [1'],
  ['yaml', 'a: 1\n---\nb: 2\n'],
  ['yaml', '- 1\n'],
  ['toml', 'a = \n'],
  ['env', ''],
] as const)('%s: a file that is not of its format is left alone and named: %j', async (format, text) => {
  const section = format === 'env' ? { section: 'x' } : {};
  await expect(render(format, text, section)).rejects.toMatchObject({ code: 'KLR_E_APPLY_FAILED' });
});

test('a YAML file keeps anchors, flow style, tags and block scalars around a changed value', async () => {
  const text =
    'base: &b {x: 1}\nuse: *b\nlog: |\n  cache: 3\n\nsettings:\n  # how much\n  cache: !!int "8" # MiB\n  mode: slow\nend: ~\n';
  const rendered = await render('yaml', text, { section: 'settings' });
  expect(rendered).toContain('base: &b {x: 1}\nuse: *b\nlog: |\n  cache: 3\n\nsettings:\n  # how much\n');
  expect(parseYaml(rendered)).toMatchObject({
    base: { x: 1 },
    log: 'cache: 3\n',
    settings: params,
    end: null,
  });
  expect(rendered.endsWith('end: ~\n')).toBe(true);
});

test('a flow map in YAML and an inline table in TOML are rewritten, their data kept', async () => {
  const yaml = await render('yaml', '# top\nsettings: {cache: 8, other: [a, b]}\n', { section: 'settings' });
  expect(parseYaml(yaml).settings).toEqual({ ...params, other: ['a', 'b'] });
  expect(yaml).toContain('# top');
  const toml = await render('toml', 'settings = { cache = 8, other = ["a"], when = 1979-05-27 }\n', {
    section: 'settings',
  });
  expect(parseToml(toml)['settings']).toMatchObject({ ...params, other: ['a'] });
});

test('a template takes values in place, and a name that is no parameter is an error', async () => {
  const template = 'cache_size=${cache};\nshell="$${HOME}" m=${mode}\n';
  expect(await render('template', '', { template })).toBe('cache_size=64;\nshell="${HOME}" m=fast\n');
  await expect(render('template', '', { template: '${cahce}' })).rejects.toThrow('cahce');
});

/** Strings that break quoting: what a choice of a parameter may be. */
const hostile = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    "'",
    '"',
    '`',
    '$HOME',
    '$(id)',
    '\\',
    '\\n',
    '#x',
    'a #b',
    ';x',
    '=',
    '[s]',
    'true',
    'null',
    'on',
    '1e3',
    '0x10',
    '~',
    '- a',
    'a: b',
    '*x',
    '&x',
    '!t',
    '%',
    '@',
    '|',
    '>',
    '{}',
    '"""',
    "'''",
    'é',
    '\u2028',
    '\u0085',
    '__proto__',
  ),
  fc.string({ unit: 'binary' }),
  fc.string(),
);

test.each(formats)(
  '%s: hostile text reads back as it was, or is refused; numbers keep every digit',
  async (format) => {
    await fc.assert(
      fc.asyncProperty(
        hostile,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.maxSafeInteger(),
        async (text, ratio, cache) => {
          const values = { cache, ratio: ratio === 0 ? 0 : ratio, mode: text, compress: true };
          let rendered: string;
          try {
            rendered = await render(format, files[format], {}, values);
          } catch (error) {
            expect(error).toMatchObject({ code: 'KLR_E_APPLY_FAILED' });
            // Only where the format itself has no form for it.
            expect(format === 'env' || format === 'ini' || !text.isWellFormed()).toBe(true);
            return;
          }
          const read = readers[format](rendered);
          expect(untyped(read.mode)).toBe(text);
          expect(Number(read.ratio)).toBe(values.ratio);
          expect(Number(read.cache)).toBe(cache);
          expect(await render(format, rendered, {}, values)).toBe(rendered);
        },
      ),
      { numRuns: 400 },
    );
  },
);

test('a float is written so that strict readers take it for one', async () => {
  const values = { ...params, ratio: 1 };
  expect(await render('toml', '', {}, values)).toContain('ratio = 1.0\n');
  expect(await render('yaml', '', {}, values)).toContain('ratio: 1.0\n');
  expect(await render('yaml', '', {}, { ...params, ratio: 1e-7 })).toContain('ratio: 0.0000001\n');
});
