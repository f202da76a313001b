/** A process that runs an epoch on a real home until it is killed: root of the home's folder and configuration as arguments. */
import { join } from 'node:path';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { homePaths } from '../../src/home/paths.ts';
import { runEpoch } from '../../src/phase/epoch.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { type ConfigInput, parseConfig, virtualClock } from '../support/context.ts';
import { control, FormulaExecutor, request, usual } from './formula.ts';

const [root = '', configuration = '{}'] = process.argv.slice(2);
const config = parseConfig(JSON.parse(configuration) as Partial<ConfigInput>);
const paths = homePaths(join(root, 'home'));
const clock = virtualClock();
const executor = new FormulaExecutor(clock, usual);
const run = executor.run.bind(executor);
// Long enough for the parent to see each trial end.
executor.run = (trial, options) =>
  new Promise((resolve) => setTimeout(() => resolve(run(trial, options)), 10));
const ctx = {
  paths,
  configDir: root,
  config,
  configHash: '',
  db: await openSqlite(paths.database),
  clock,
  fs: nodeFileSystem,
  log: { event: () => {} },
  random: () => 0.5,
  env: {},
};
await runEpoch(ctx, executor, control(), request());
