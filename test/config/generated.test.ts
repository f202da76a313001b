import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { schemaFiles } from '../../src/config/json-schema.ts';
import { loadConfig } from '../../src/config/load.ts';
import { configTemplate } from '../../src/config/template.ts';
import { VERSION } from '../../src/version.ts';
import { writeConfig } from './config-file.ts';

const root = join(import.meta.dirname, '..', '..');

test.each(schemaFiles())(
  '$path is what the schema gives (scripts/write-schema.ts writes it)',
  ({ path, text }) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(text);
  },
);

test('the version of the program is that of the package', () => {
  expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))).toMatchObject({ version: VERSION });
});

describe('the template', () => {
  test('passes the check as it is', async () => {
    const { config } = await loadConfig(writeConfig(configTemplate()));
    expect(Object.keys(config.experiments)).toEqual(['my-service']);
  });

  test('names the schema in its first line, for editors', () => {
    const [first] = configTemplate('/opt/kloros/kloros.schema.json').split('\n');
    expect(first).toBe('# yaml-language-server: $schema=/opt/kloros/kloros.schema.json');
  });

  test('shows defaults in its comments that are the defaults, and passes the check with all of them', async () => {
    const commented = /^( *)# ([a-z_]+: .*)$/gm;
    const open = configTemplate()
      .replace(/^( *)# (apply:| {2}[a-z]+: .*)$/gm, '$1$2')
      .replace(commented, '$1$2');
    const { config } = await loadConfig(writeConfig(open));
    const plain = await loadConfig(writeConfig(configTemplate()));
    expect(parse(open)).toHaveProperty('governor');
    expect({ ...config, experiments: {} }).toEqual({ ...plain.config, experiments: {} });
    expect(config.experiments['my-service']?.apply).toMatchObject({ file: 'settings.json', format: 'json' });
  });
});
