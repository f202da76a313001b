// Writes what is generated from the schema of the configuration: kloros.schema.json for editors, and the stamp by
// which a cached check knows its schema. Run it after a change of src/config/schema.ts.
import { writeFileSync } from 'node:fs';
import { schemaFiles } from '../src/config/json-schema.ts';

for (const { path, text } of schemaFiles()) writeFileSync(new URL(`../${path}`, import.meta.url), text);
