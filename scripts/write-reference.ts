// Writes docs/reference/: errors from the catalogue, the command line from its own tree, the configuration from its
// schema. Run it after a change of one of them; a test holds the pages and their sources together.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { referencePages } from './reference/pages.ts';

for (const { path, text } of await referencePages()) {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
