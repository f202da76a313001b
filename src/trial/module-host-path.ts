import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { KlorosError } from '../errors.ts';

/** Beside this file in the sources; from dist/index.js, dist/cli/main.js and dist/chunks/ in a bundle. */
const CANDIDATES = [
  './module-host.ts',
  './module-host.js',
  './trial/module-host.js',
  '../trial/module-host.js',
];

/**
 * The program that runs an evaluator module: src/trial/module-host.ts, or what the build has to emit as an entry of
 * its own, dist/trial/module-host.js.
 * @throws KLR_E_INTERNAL when the bundle came without it
 */
export function moduleHostPath(): string {
  for (const candidate of CANDIDATES) {
    const path = fileURLToPath(new URL(candidate, import.meta.url));
    if (existsSync(path)) return path;
  }
  throw new KlorosError('KLR_E_INTERNAL', 'the program that runs evaluator modules is missing', {
    where: 'dist/trial/module-host.js',
    hint: 'Install KLoROS whole: dist/trial/module-host.js belongs beside the file that was started.',
  });
}
