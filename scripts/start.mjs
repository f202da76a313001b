// `npm start`: set-up, build, and the main job: the loop on the SQLite example.
import { run, setUp } from './set-up.mjs';

const node = setUp();
run(node, ['scripts/build.mjs']);
run(node, ['examples/sqlite/run.ts', ...process.argv.slice(2)]);
