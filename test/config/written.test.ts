import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { DURATION, formatQuantity, parseQuantity, SIZE } from '../../src/config/quantity.ts';
import { configSchema } from '../../src/config/schema.ts';
import { configTemplate } from '../../src/config/template.ts';
import { asWritten } from '../../src/config/written.ts';
import { parseConfig } from '../support/context.ts';

describe('a checked configuration, written again', () => {
  const schema = configJsonSchema();

  test.each([
    ['the template', () => configSchema.parse(parse(configTemplate()))],
    ['defaults alone', () => parseConfig()],
    [
      'every duration and size',
      () =>
        parseConfig({
          tick: { interval: '1500ms' },
          governor: { min_free_disk: '3KiB', breaker: { cooldown: '90s' } },
          retention: { log_size: '1TiB' },
          phase: { baseline_check: '36h', max_duration: '0s' },
        }),
    ],
  ])('passes the check again, to the same configuration: %s', (_name, make) => {
    const config = make();
    const written = asWritten(config, schema);
    expect(configSchema.parse(parse(stringify(written)))).toEqual(config);
    expect(configSchema.parse(written)).toEqual(config);
  });

  test('has units where a person writes them, and nothing else is touched', () => {
    const { experiments } = asWritten(parseConfig(), schema) as ReturnType<typeof parseConfig>;
    expect(experiments.demo).toMatchObject({
      limits: { timeout: '1m', output: '1MiB', nice: 0 },
      parameters: { cache: { low: 1, high: 1024 } },
      domains: { read: { weight: 1 } },
    });
  });
});

describe.each([
  ['a duration', DURATION],
  ['a size', SIZE],
])('%s', (_name, quantity) => {
  test('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 45 }), (value) => {
        expect(parseQuantity(quantity, formatQuantity(quantity, value))).toBe(value);
      }),
    );
  });

  test('is NaN for any other text', () => {
    const other = fc.string().filter((text) => !quantity.pattern.test(text));
    fc.assert(fc.property(other, (text) => Number.isNaN(parseQuantity(quantity, text))));
  });
});
