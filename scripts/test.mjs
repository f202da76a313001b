// `npm test`: set-up, build, and the default test run. Arguments go to vitest.
import { run, setUp } from './set-up.mjs';

const node = setUp();
run(node, ['scripts/build.mjs']);
run(node, ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)]);
