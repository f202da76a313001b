/** Everything that `npm run bench` measures. Each part is a program of its own and prints its figures. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const PARTS = ['tick.ts', 'metrics/scrape.ts'];

let failed = 0;
for (const part of PARTS) {
  console.log(`\n== ${part}`);
  const done = spawnSync(process.execPath, [join(import.meta.dirname, part)], { stdio: 'inherit' });
  if (done.status !== 0) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
