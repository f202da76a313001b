import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loopHome } from '../support/loop.ts';

const examples = join(import.meta.dirname, '..', '..', 'examples', 'library');
const run = (...args: string[]) =>
  JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));

test('the ask/tell example of the library finds the best setting, within its constraints', () => {
  const { params, seconds } = run(join(examples, 'ask-tell.ts'));
  // By hand: zstd at level 5 with 18 threads takes 9.47 s; nothing else comes below 10.4 s.
  expect(params.codec).toBe('zstd');
  expect(params.threads).toBeLessThanOrEqual(32);
  expect(seconds).toBeLessThan(10.4);
});

test('the loop example of the library ticks a real home and reads its ledger', async () => {
  const home = await loopHome();
  try {
    const said = run(join(examples, 'loop.ts'), home.home);
    expect(said).toMatchObject({ outcome: 'NOOP', baseline: 0 });
    expect(said.ledger).toMatch(/^[0-9a-f]{64}$/);
  } finally {
    home.remove();
  }
});
