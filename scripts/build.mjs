// Bundles src/ into dist/: a tick starts as one small file, and loads the rest only when it needs it.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'rolldown';
import { root } from './set-up.mjs';

rmSync(join(root, 'dist'), { recursive: true, force: true });
await build({
  cwd: root,
  input: {
    'cli/main': 'src/cli/main.ts',
    index: 'src/index.ts',
    'trial/module-host': 'src/trial/module-host.ts',
  },
  platform: 'node',
  // Native add-ons stay where npm put them; the rest is bundled, since one file loads faster than two hundred.
  external: ['fs-native-extensions'],
  logLevel: 'warn',
  // The library imports at once what the command imports when it is called: that is no mistake.
  checks: { ineffectiveDynamicImport: false },
  output: {
    dir: 'dist',
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    sourcemap: true,
    // What every tick needs, with all that it imports, is one file: resolving seventy costs more than running them.
    codeSplitting: {
      groups: [{ name: 'tick', test: /src\/(cli\/(tick|home)|tick\/(run-tick|observe))\.ts$/ }],
    },
  },
});
