import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkSource } from '../../src/config/check.ts';
import { loadConfig } from '../../src/config/load.ts';
import { readSource } from '../../src/config/source.ts';
import { KlorosError } from '../../src/errors.ts';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { changed, SOUND, writeConfig } from './config-file.ts';

/** A mistake: `from` becomes `to` in a sound file; the caret stands at the text `points`; the message says `says`. */
interface Mistake {
  readonly from: string;
  readonly to: string;
  readonly points: string;
  readonly says: string;
}

const mistake = (from: string, to: string, points: string, says: string): Mistake => ({
  from,
  to,
  points,
  says,
});

const SHAPE: Record<string, Mistake> = {
  'unknown key at the top': mistake(
    'phase:',
    'phases:',
    'phases:',
    'unknown key "phases" (did you mean "phase"?)',
  ),
  'unknown key of a parameter': mistake(
    'log: true,',
    'lgo: true,',
    'lgo:',
    'unknown key "lgo" (did you mean "log"?)',
  ),
  'key of another type of parameter': mistake(
    'choices: [slow, fast]',
    'choices: [slow, fast]\n        high: 3',
    'high: 3',
    'unknown key "high" (known here: type, choices, default, description, unit, when, autonomy, risky, max_step)',
  ),
  'unknown key in a list': mistake(
    'reason: a large step',
    'reason: a large step, then: 1',
    'then: 1',
    'unknown key "then" (did you mean "when"?)',
  ),
  'missing key': mistake(', default: 64', '', 'cache: {', '"default" is missing: expected a number'),
  'missing version': mistake('version: 1\n', '', 'experiments:', '"version" is missing: expected 1'),
  'version of the future': mistake('version: 1', 'version: 2', '2', 'expected 1, got 2'),
  'unknown type': mistake(
    'type: float',
    'type: flaot',
    'flaot',
    'expected one of float, int, categorical, ordinal, boolean, got "flaot" (did you mean "float"?)',
  ),
  'missing type': mistake(
    'type: float, ',
    '',
    'ratio: {',
    '"type" is missing: expected one of float, int, categorical, ordinal, boolean',
  ),
  'text for a number': mistake('high: 1024', 'high: 1_024', '1_024', 'expected a number, got "1_024"'),
  'a fraction for an int': mistake('high: 1024', 'high: 10.5', '10.5', 'expected a whole number, got 10.5'),
  'an int beyond 2^53': mistake(
    'high: 1024',
    'high: 9007199254740993',
    '9007199254740993',
    'expected a number of at most 9007199254740991, got 9007199254740992',
  ),
  'yes for true': mistake('log: true', 'log: yes', 'yes', 'expected true or false, got "yes"'),
  'a list as a choice': mistake(
    '[slow, fast]',
    '[slow, [fast]]',
    '[fast]',
    'expected a string or a number, got ["fast"]',
  ),
  'a choice too few': mistake('[slow, fast]', '[]', '[]', 'expected a list of at least 1 entry, got []'),
  'a name with a blank': mistake(
    'ratio: {',
    'the ratio: {',
    'the ratio',
    'expected a parameter name (a letter or _, then letters, digits and _, at most 64), got "the ratio"',
  ),
  'a step of zero': mistake('step: 0.25', 'step: 0', '0,', 'expected a number above 0, got 0'),
  'a command as one string': mistake(
    '[node, evaluate.mjs]',
    'node evaluate.mjs',
    'node evaluate.mjs',
    'expected a list of the program and its arguments, such as [node, evaluate.mjs], got "node evaluate.mjs"',
  ),
  'an empty program': mistake('[node, evaluate.mjs]', '[""]', '""', 'expected some text, got ""'),
  'command and module': mistake(
    'env: { LEVEL',
    'module: evaluate.ts\n      env: { LEVEL',
    'evaluator:',
    'name either command or module',
  ),
  'neither command nor module': mistake(
    '      command: [node, evaluate.mjs]\n',
    '',
    'evaluator:',
    'name either command or module',
  ),
  'a duration without a unit': mistake(
    'timeout: 30s',
    'timeout: 30',
    '30,',
    'expected a duration such as 250ms, 90s, 5m, 24h or 7d, got 30',
  ),
  'a size in decimal units': mistake(
    '64MiB',
    '64MB',
    '64MB',
    'expected a size such as 512B, 64KiB, 64MiB or 2GiB, got "64MB"',
  ),
  'a direction cut short': mistake(
    'direction: maximize',
    'direction: maximise',
    'maximise',
    'expected one of minimize, maximize, got "maximise" (did you mean "maximize"?)',
  ),
  'no objective': mistake(
    '      - { metric: throughput, direction: maximize }\n',
    '      []\n',
    '[]',
    'expected a list of at least 1 entry, got []',
  ),
  'a guardrail without a bound': mistake(
    ', max_regression: 0.1',
    '',
    '{ metric: p99',
    'name max_regression, limit, or both',
  ),
  'an empty domain': mistake(
    'read: { weight: 2, args: { share: 0.9 } }',
    'read:',
    'read:',
    'expected a mapping, got nothing (write {} for a mapping without entries)',
  ),
  'no domain': mistake(
    '\n      read: { weight: 2, args: { share: 0.9 } }',
    ' {}',
    'domains:',
    'at least one domain',
  ),
  'an unknown format': mistake(
    'format: json',
    'format: yml',
    'yml',
    'expected one of json, yaml, toml, ini, env, template, got "yml" (did you mean "yaml"?)',
  ),
  'an unknown sampler': mistake(
    '    search:',
    '    search:\n      sampler: tep',
    'tep',
    'expected one of auto, random, sobol, evolution, tpe, got "tep" (did you mean "tpe"?)',
  ),
  'an hour of one digit': mistake(
    '"03:00"',
    '"3:00"',
    '"3:00"',
    'expected a local time as HH:MM, got "3:00"',
  ),
  'an error rate of one half': mistake(
    'escrow:\n',
    '  alpha: 0.5\nescrow:\n',
    '0.5',
    'expected a number below 0.5, got 0.5',
  ),
  'more intents a tick than ten': mistake(
    'escrow:\n',
    'intents: { per_tick: 11 }\nescrow:\n',
    '11',
    'expected a number of at most 10, got 11',
  ),
  'a number for a section': mistake('escrow:\n', 'retry: 3\nescrow:\n', '3', 'expected a mapping, got 3'),
};

const YAML: Record<string, Mistake> = {
  'a key twice': mistake(
    'limits: {',
    'limits: {}\n    limits: {',
    'limits: { timeout',
    '"limits" stands here twice',
  ),
  'an alias': mistake(
    'zone: Europe/Berlin }',
    'zone: &z UTC }\n  baseline_check: *z',
    '*z',
    'aliases are not used here: write the value out',
  ),
  'a merge key': mistake(
    'limits: {',
    'limits: { <<: {}, ',
    '<<',
    'unknown key "<<" (known here: timeout, memory, cpu, output, nice)',
  ),
  'a tag': mistake(
    'node, evaluate.mjs',
    '!!js/function x',
    '!!js',
    'Unresolved tag: tag:yaml.org,2002:js/function (YAML)',
  ),
  'not a number': mistake('high: 1,', 'high: .nan,', '.nan', 'expected a finite number, got NaN'),
  infinity: mistake('high: 1,', 'high: .inf,', '.inf', 'expected a finite number, got Infinity'),
  'infinity where anything goes': mistake(
    'share: 0.9',
    'share: 1e999',
    '1e999',
    'expected a finite number, got Infinity',
  ),
  'a poisonous name': mistake(
    'share: 0.9',
    '__proto__: { polluted: true }',
    '__proto__',
    '"__proto__" cannot be used as a name',
  ),
  'a constructor': mistake(
    'boost: {',
    'constructor: {',
    'constructor',
    '"constructor" cannot be used as a name',
  ),
  'a list as a key': mistake('share: 0.9', '[a]: 1', '[a]', 'a key has to be a name'),
  'depth without end': mistake(
    'share: 0.9',
    `deep: ${'['.repeat(40)}${']'.repeat(40)}`,
    '['.repeat(13),
    'nested deeper than 32 levels',
  ),
};

const SENSE: Record<string, Mistake> = {
  'low above high': mistake(
    'low: 8, high: 1024',
    'low: 80, high: 70',
    '80',
    'low (80) has to be below high (70)',
  ),
  'a log scale from zero': mistake('low: 8', 'low: 0', '0,', 'a log scale needs low above 0, got 0'),
  'a step wider than the range': mistake(
    'step: 0.25',
    'step: 2',
    '2,',
    'step (2) is wider than the range, 0 to 1',
  ),
  'a default out of bounds': mistake(
    'default: 64',
    'default: 2048',
    '2048',
    'default of cache: 2048 is above its maximum, 1024',
  ),
  'a default off the step': mistake(
    'default: 0.5',
    'default: 0.6',
    '0.6',
    'default of ratio: 0.6 is not 0 plus a whole number of steps of 0.25',
  ),
  'a default that is no choice': mistake(
    'default: slow',
    'default: slwo',
    'slwo',
    'default of mode: "slwo" is none of its choices, "slow", "fast"',
  ),
  'a choice twice': mistake('[slow, fast]', '[slow, fast, slow]', 'slow]', '"slow" is listed twice'),
  'guarded by nothing': mistake(
    'default: slow',
    'default: slow\n        autonomy: guarded',
    'guarded',
    'autonomy guarded needs max_step: larger steps wait for a person',
  ),
  'names that are one environment variable': mistake(
    'boost: {',
    'Cache: {',
    'Cache: {',
    '"Cache" and "cache" differ in case alone: both would be KLOROS_PARAM_CACHE',
  ),
  'a condition on nothing': mistake(
    'when: { mode:',
    'when: { mdoe:',
    'mdoe',
    'there is no parameter "mdoe" (did you mean "mode"?)',
  ),
  'a condition on an impossible value': mistake(
    'when: { mode: [fast] }',
    'when: { mode: [faster] }',
    'faster',
    'mode: "faster" is none of its choices, "slow", "fast"',
  ),
  'a condition on itself': mistake(
    'when: { mode: [fast] }',
    'when: { boost: [true] }',
    'boost: [true]',
    'conditions go in a circle: boost → boost',
  ),
  'conditions in a circle': mistake(
    'default: slow\n',
    'default: slow\n        when: { boost: [true] }\n',
    'mode: [fast]',
    'conditions go in a circle: mode → boost → mode',
  ),
  'CEL that does not parse': mistake(
    '- cache * 2 <= 4096',
    '- cache * 2 <=',
    'cache * 2 <=',
    'the expression "cache * 2 <=" is not valid CEL: Unexpected token: EOF',
  ),
  'CEL over an unknown name': mistake(
    '- cache * 2 <= 4096',
    '- cahce * 2 <= 4096',
    'cahce',
    'the expression "cahce * 2 <= 4096" is not valid: it names "cahce", which is not known here (did you mean "cache"?)',
  ),
  'CEL over the wrong type': mistake(
    '- cache * 2 <= 4096',
    '- cache == "big"',
    'cache ==',
    'the expression "cache == "big"" is not valid: no such overload: int == string',
  ),
  'CEL that is no condition': mistake(
    '- cache * 2 <= 4096',
    '- cache * 2',
    'cache * 2',
    'the expression "cache * 2" gives int, not true or false',
  ),
  'defaults that break a constraint': mistake(
    '- cache * 2 <= 4096',
    '- cache * 2 <= 100',
    'cache * 2',
    'the defaults break it: constraint "cache * 2 <= 100" does not hold',
  ),
  'defaults that are forbidden': mistake(
    'mode == "fast" && cache < 16',
    'mode == "slow"',
    'mode == "slow"',
    'the defaults break it: "mode == "slow"" is forbidden',
  ),
  'a point out of bounds': mistake(
    '{ cache: 128 }',
    '{ cache: 4 }',
    'cache: 4',
    'cache: 4 is below its minimum, 8',
  ),
  'a point of an unknown parameter': mistake(
    '{ cache: 128 }',
    '{ cach: 128 }',
    'cach: 128',
    'there is no parameter "cach" (did you mean "cache"?)',
  ),
  'a point with an inactive parameter': mistake(
    '{ cache: 128 }',
    '{ boost: true }',
    'boost: true',
    'boost is not active beside the other values',
  ),
  'a point that is forbidden': mistake(
    '{ cache: 128 }',
    '{ cache: 8, mode: fast }',
    '{ cache: 8',
    '"mode == "fast" && cache < 16" is forbidden',
  ),
  'a metric that is objective and guardrail': mistake(
    'metric: p99',
    'metric: throughput',
    'throughput, direction: minimize',
    'the metric "throughput" is named twice among objectives and guardrails',
  ),
  'an environment variable that is none': mistake(
    'LEVEL: "1"',
    '"A=B": "1"',
    '"A=B"',
    '"A=B" is no name of an environment variable',
  ),
  'an environment variable of the protocol': mistake(
    'LEVEL: "1"',
    'KLOROS_SEED: "1"',
    'KLOROS_SEED',
    'KLOROS_SEED: KLOROS_… is how KLoROS itself speaks to the evaluator',
  ),
  'a key for an unknown parameter': mistake(
    'keys: { cache: cacheSize }',
    'keys: { caches: cacheSize }',
    'caches',
    'there is no parameter "caches" (did you mean "cache"?)',
  ),
  'two parameters in one key': mistake(
    'keys: { cache: cacheSize }',
    'keys: { cache: ratio }',
    'ratio }',
    'cache and ratio would both be written to "ratio"',
  ),
  'a template that is not named': mistake(
    'format: json, section: tuning',
    'format: template',
    'template',
    'format template needs "template", a file',
  ),
  'a template for JSON': mistake(
    'section: tuning',
    'template: t.txt',
    'template: t.txt',
    'a template is for format template, not json',
  ),
  'a section where there are none': mistake(
    'format: json',
    'format: env',
    'section: tuning',
    'format env has no sections',
  ),
  'a target that is the configuration': mistake(
    'file: out/settings.json',
    'file: ./kloros.yaml',
    './kloros.yaml',
    'KLoROS never writes its own configuration',
  ),
  'a template that is its own target': mistake(
    'out/settings.json, format: json, section: tuning',
    'a.txt, format: template, template: a.txt',
    'a.txt, format',
    'the template itself would be overwritten',
  ),
  'a watch without a check': mistake(
    'interval: 1m',
    'interval: 11m',
    '11m',
    'the interval between two checks is longer than the watch: no check would be made',
  ),
  'a zone that is none': mistake(
    'Europe/Berlin',
    'Europe/Berln',
    'Europe/Berln',
    '"Europe/Berln" is no IANA time zone (did you mean "Europe/Berlin"?)',
  ),
  'an offset for a zone': mistake('Europe/Berlin', '"+02:00"', '"+02:00"', '"+02:00" is no IANA time zone'),
  'an empty window': mistake(
    '"07:00"',
    '"03:00"',
    '"03:00", zone',
    'the window is empty: it starts and ends at 03:00 (a whole day is 00:00 to 24:00)',
  ),
  'a start at the end of the day': mistake(
    '"03:00"',
    '"24:00"',
    '"24:00"',
    'a window that starts at 24:00 starts at 00:00',
  ),
  'an escrow rule over an unknown name': mistake(
    'changes.exists(c, c.step_share > 0.5)',
    'gian > 0.5',
    '"gian',
    'the expression "gian > 0.5" is not valid: it names "gian", which is not known here (did you mean "gain"?)',
  ),
};

function check(text: string) {
  return checkSource(readSource(writeConfig(text), nodeFileSystem));
}

describe.each(Object.entries({ SHAPE, YAML, SENSE }))(
  '%s: each mistake is shown at its place, and alone',
  (_, table) => {
    test.each(Object.entries(table))('%s', (_name, { from, to, points, says }) => {
      const checked = check(changed(from, to));
      const problems = checked.ok ? [] : checked.problems;
      expect(problems.map((problem) => problem.message)).toEqual([says]);
      const [problem] = problems;
      expect(problem?.text.slice(problem.column - 1)).toMatch(new RegExp(`^${RegExp.escape(points)}`));
      expect(changed(from, to).split('\n')[(problem?.line ?? 0) - 1]).toBe(problem?.text);
    });
  },
);

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
