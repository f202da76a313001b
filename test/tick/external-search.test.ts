/** `dream.command`: another program searches, and KLoROS validates, commits and watches. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { setKill } from '../../src/home/killswitch.ts';
import { closeContext } from '../../src/home/open.ts';
import type { Context } from '../../src/index.ts';
import { listPromotions, readEvents, runTick } from '../../src/index.ts';
import { lockIsHeld } from '../../src/lock/acquire.ts';
import { type LoopHome, loopHome } from '../support/loop.ts';

let home: LoopHome;
let ctx: Context;

afterEach(async () => {
  await closeContext(ctx);
  home.remove();
});

/** A home whose search is this shell script. */
async function start(script: string, timeout = '20s'): Promise<void> {
  home = await loopHome({ dream: { command: ['sh', 'search.sh'], timeout } });
  writeFileSync(join(home.root, 'search.sh'), script);
  ctx = await home.open();
}

const promotion = (id: string) => ({
  schema: 'v2',
  id,
  timestamp: 1_790_000_000,
  experiment: 'demo',
  fitness: 0.9,
  changes: { cache: 64 },
});
const search = () => runTick(ctx, { force: { kind: 'dream', experiment: 'demo' } });
const states = async () =>
  Object.fromEntries((await listPromotions(ctx.db, {})).map(({ id, state }) => [id, state]));

test('what it drops and what waited goes on to PHASE, and starts no second search', async () => {
  await start(`echo '${JSON.stringify(promotion('found'))}' > "$KLOROS_PROMOTIONS/$KLOROS_RUN_TAG.json"`);
  home.drop('promotions', 'mine.json', promotion('mine'));
  expect(await runTick(ctx)).toMatchObject({ outcome: 'DREAM_CYCLE', exit: 0 });
  expect(await states()).toEqual({ found: 'screened', mine: 'screened' });
  const [event] = await readEvents(ctx.db, { kind: 'cycle.ended' });
  expect(event).toMatchObject({ experiment: 'demo', data: { state: 'done', external: true } });
  expect((await runTick(ctx)).outcome).not.toBe('DREAM_CYCLE');
});

test('it runs under the lock of the search, with an environment of its own', async () => {
  await start('env > env.txt; while [ ! -e go ]; do sleep 0.05; done');
  const running = search();
  while (!lockIsHeld(ctx.paths, 'dream', ctx.fs)) await ctx.clock.sleep(20);
  writeFileSync(join(home.root, 'go'), '');
  expect(await running).toMatchObject({ outcome: 'DREAM_CYCLE' });
  const env = String(ctx.fs.readFileSync(join(home.root, 'env.txt'), 'utf8'));
  expect(env).toContain('KLOROS_EXPERIMENT=demo');
  expect(env).toContain(`KLOROS_SIGNALS=${ctx.paths.signals}`);
  expect(env).not.toContain('VITEST');
});

describe('it ends as a search of our own does', () => {
  test('past its time it is killed, and the tick exits with 124', async () => {
    await start('sleep 60', '300ms');
    expect(await search()).toMatchObject({ outcome: 'DREAM_TIMEOUT', exit: 124 });
  });

  test('a failure is tried again a bounded number of times, then what waits is answered', async () => {
    await start('echo no space >&2; exit 3');
    home.drop('promotions', 'mine.json', promotion('mine'));
    const first = await runTick(ctx);
    expect(first).toMatchObject({ outcome: 'DREAM_FAILED', exit: 5 });
    expect(first.reason).toContain('no space');
    expect((await runTick(ctx)).outcome).toBe('NOOP');
    await ctx.clock.sleep(1100);
    expect(await runTick(ctx)).toMatchObject({ outcome: 'DREAM_FAILED' });
    expect(await states()).toEqual({ mine: 'rejected' });
  });

  test('a program that is missing is a failure that says so', async () => {
    await start('');
    ctx = { ...ctx, config: { ...ctx.config, dream: { command: ['no-such-program'], timeout: 1000 } } };
    expect(await search()).toMatchObject({ outcome: 'DREAM_FAILED' });
  });

  test('the kill switch ends it', async () => {
    await start('touch began; sleep 60');
    const running = search();
    while (!ctx.fs.existsSync(join(home.root, 'began'))) await ctx.clock.sleep(20);
    await setKill(ctx, 'test', 'test');
    expect(await running).toMatchObject({ outcome: 'KILLED', exit: 3 });
  });
});
