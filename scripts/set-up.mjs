// Set-up for a clean clone, on any Node.js >= 20: dependencies by npm, and Node 26 from the npm package `node` when
// the running one is older. Plain JavaScript without dependencies: nothing is installed yet when it runs.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const WANTED_MAJOR = 26;
const stamp = join(root, 'node_modules', '.kloros-set-up');

const say = (text) => process.stderr.write(`[set-up] ${text}\n`);

/** Ends the process with what failed and what to do. */
function fail(what, hint) {
  say(`${what}\n[set-up] ${hint}`);
  process.exit(1);
}

const lockHash = () =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');

function installDependencies() {
  const wanted = lockHash();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('installing dependencies with npm ci');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 'inherit'],
  });
  if (npm.error || npm.status !== 0)
    fail(
      `npm ci failed${npm.error ? `: ${npm.error.message}` : ''}`,
      'See its output above; check that npm reaches its registry, then run the command again.',
    );
  writeFileSync(stamp, wanted);
}

/** The path of a Node.js of at least version 26. */
function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= WANTED_MAJOR) return process.execPath;
  const brought = join(root, 'node_modules', 'node', 'bin', 'node');
  const version = existsSync(brought) ? spawnSync(brought, ['--version'], { encoding: 'utf8' }) : null;
  if (version?.status === 0) return brought;
  return fail(
    `Node ${process.versions.node} runs this, ${WANTED_MAJOR} is needed, and the npm package "node" brought none`,
    `Install Node ${WANTED_MAJOR}, or let npm run the install script of the package "node" (npm rebuild node).`,
  );
}

/** Installs what is missing and returns the path of a Node.js that runs the project. */
export function setUp() {
  installDependencies();
  return findNode();
}

/** Runs a command with that Node.js first in PATH; ends this process with its exit code when it is not 0. */
export function run(node, args, env = {}) {
  const done = spawnSync(node, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}`, ...env },
  });
  if (done.error) fail(`${node} could not be run: ${done.error.message}`, 'Run the command again.');
  if (done.signal) process.kill(process.pid, done.signal);
  if (done.status !== 0) process.exit(done.status ?? 1);
}
