import { z } from 'zod';
import { sha256Hex } from '../store/json.ts';
import { configSchema } from './schema.ts';

/**
 * The JSON Schema (2020-12) of kloros.yaml as a person writes it: durations and sizes are strings, and what has a
 * default may be left out.
 */
export function configJsonSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(configSchema, { io: 'input' }),
    title: 'kloros.yaml',
    description: 'Configuration of KLoROS, which keeps a running system tuned.',
  };
}

/** The files that are generated from the schema, relative to the repository. */
export function schemaFiles(): { readonly path: string; readonly text: string }[] {
  const schema = `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
  const stamp = `/** SHA-256 of kloros.schema.json, written by scripts/write-schema.ts: a check under another schema is another check. */
export const SCHEMA_STAMP = '${sha256Hex(schema)}';
`;
  return [
    { path: 'kloros.schema.json', text: schema },
    { path: 'src/config/schema-stamp.ts', text: stamp },
  ];
}
