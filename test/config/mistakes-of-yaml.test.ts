import { describe } from 'vitest';
import { mistake, testMistakes } from './mistake-table.ts';

describe('what YAML allows and a configuration does not is shown at its place, and alone', () => {
  testMistakes({
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
  });
});
