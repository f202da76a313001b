// Runs a script of the project with the Node.js it needs: node scripts/with-node.mjs FILE [ARGUMENT ...]
import { run, setUp } from './set-up.mjs';

run(setUp(), process.argv.slice(2));
