/** Reads the baseline of the folder named by its argument until its input ends; prints one line of JSON. */
import { setImmediate as pause } from 'node:timers/promises';
import { readBaseline } from '../../src/baseline/read.ts';

const folder = process.argv[2] ?? '';
const seen = new Set<number>();
const bad: string[] = [];
let reads = 0;
let newest = 0;
let ended = false;
process.stdin.on('end', () => {
  ended = true;
});
process.stdin.resume();

while (!ended) {
  try {
    const baseline = await readBaseline(folder);
    const version = baseline?.version ?? 0;
    // The test commits the version's own number as the value.
    const value = baseline?.params['demo']?.['cache'];
    if (value !== version) bad.push(`v${version} holds ${value}`);
    if (version < newest) bad.push(`v${version} after v${newest}`);
    newest = version;
    seen.add(version);
    reads++;
  } catch (error) {
    bad.push(String(error));
  }
  await pause();
}
console.log(JSON.stringify({ reads, versions: seen.size, bad: bad.slice(0, 10) }));
