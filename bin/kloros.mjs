#!/usr/bin/env node
// Starts the command with a Node.js that can run it: this one, or the one that npm brought.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const main = join(root, 'dist', 'cli', 'main.js');
const brought = join(root, 'node_modules', 'node', 'bin', 'node');

if (!existsSync(main)) {
  process.stderr.write(`KLR_E_NOT_BUILT: ${main} is missing\n  Build it with \`npm run build\`.\n`);
  process.exit(78);
} else if (Number(process.versions.node.split('.')[0]) >= 26) {
  nodeModule.enableCompileCache();
  await import(main);
} else if (existsSync(brought)) {
  const env = { ...process.env, PATH: `${dirname(brought)}:${process.env.PATH}` };
  const child = spawn(brought, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env,
  });
  // A terminal sends its signals to both; a supervisor to this process alone.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
} else {
  process.stderr.write(
    `KLR_E_NODE_OLD: Node.js ${process.versions.node} runs this, 26 is needed\n  Install Node.js 26, or add it to the project with \`npm install node@26\`.\n`,
  );
  process.exit(78);
}
