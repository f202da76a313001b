import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { getEntry } from '../../src/escrow/entries.ts';
import { setKill } from '../../src/home/killswitch.ts';
import { readEvents } from '../../src/store/ledger.ts';
import { tellReviewers } from '../../src/tick/tell-reviewers.ts';
import { ask, proposed } from '../escrow/entries.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
afterEach(() => ctx.cleanup());

async function start(script: string, timeout = '10s'): Promise<void> {
  const escrow = { notify: ['sh', '-c', script], notify_timeout: timeout };
  ctx = await testContext({ config: { escrow, retry: { first_pause: '1m' } } });
}
const told = () => readFileSync(join(ctx.configDir, 'told'), 'utf8');

test('the command is told of each waiting entry once, one a tick, the oldest first', async () => {
  await start('cat >> told');
  const first = await ask(ctx);
  ctx.clock.advance(1000);
  const second = await ask(ctx, proposed({ promotionId: 'demo:2' }));
  for (let tick = 0; tick < 4; tick++) await tellReviewers(ctx);
  const notices = told()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(notices.map((n) => n.entry.id)).toEqual([first, second]);
  expect(notices[0]).toMatchObject({
    schema: 'kloros.escrow-notice/v1',
    home: ctx.paths.root,
    entry: { state: 'waiting', reasons: ['a rule'], requester: 'kloros' },
  });
  expect((await getEntry(ctx.db, first)).toldAt).not.toBeNull();
});

test('a command that fails is tried again after growing pauses, for as long as the entry waits', async () => {
  await start('echo no >&2; test -e mended');
  const id = await ask(ctx);
  const failures = async () => (await readEvents(ctx.db, { kind: 'escrow.not-told' })).length;
  await tellReviewers(ctx);
  await tellReviewers(ctx);
  expect(await failures()).toBe(1);
  ctx.clock.advance(60_000);
  await tellReviewers(ctx);
  ctx.clock.advance(60_000);
  await tellReviewers(ctx);
  expect(await failures()).toBe(2);
  writeFileSync(join(ctx.configDir, 'mended'), '');
  ctx.clock.advance(60_000);
  await tellReviewers(ctx);
  expect((await getEntry(ctx.db, id)).toldAt).not.toBeNull();
});

test('a command that hangs is ended at its timeout, and one that is not there is on record', async () => {
  await start('sleep 60', '100ms');
  await ask(ctx);
  await tellReviewers(ctx);
  const [hung] = await readEvents(ctx.db, { kind: 'escrow.not-told' });
  expect(hung?.data.reason).toMatch(/did not end within 100 ms/);
});

test('nothing is told under the kill switch, nor of what does not wait any more', async () => {
  await start('cat >> told');
  await ask(ctx);
  await setKill(ctx, 'smoke', 'test');
  await tellReviewers(ctx);
  expect(told).toThrow(/ENOENT/);
});
