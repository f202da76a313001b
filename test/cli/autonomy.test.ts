import { userInfo } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lowerAutonomy } from '../../src/escrow/autonomy.ts';
import { closeContext } from '../../src/home/open.ts';
import { kloros } from '../support/kloros.ts';
import { type LoopHome, loopHome } from '../support/loop.ts';

let home: LoopHome;
beforeAll(async () => {
  home = await loopHome();
  const ctx = await home.open();
  const cause = { reason: 'v1 was taken back: pager', version: 1 };
  await ctx.db.transaction((tx) => lowerAutonomy(tx, ctx, 'demo', ['cache'], cause));
  await closeContext(ctx);
});
afterAll(() => home.remove());

const run = (...args: string[]) => kloros({ home: home.home, env: { SUDO_USER: 'ana' } }, ...args);
const me = `${userInfo().username} (ana)`;

test('what was taken away is listed, with why', async () => {
  const listed = await run('escrow', 'autonomy', 'list');
  expect(listed.stdout).toMatch(/^demo\.cache +guarded .* kloros +v1 was taken back: pager$/m);
});

test('raising it needs a reason and a parameter that lost some', async () => {
  expect(await run('escrow', 'autonomy', 'raise', 'demo.cache')).toMatchObject({ exit: 64 });
  const nothing = await run('escrow', 'autonomy', 'raise', 'demo.mode', '--reason', 'why not');
  expect(nothing).toMatchObject({ exit: 65 });
  expect(nothing.stderr).toContain('KLR_E_ESCROW_AUTONOMY');
  const unknown = await run('escrow', 'autonomy', 'raise', 'demo.cahce', '--reason', 'why not');
  expect(unknown).toMatchObject({ exit: 65 });
});

test('whoever raises it is named, the person behind sudo too', async () => {
  const raised = await run('escrow', 'autonomy', 'raise', 'demo.cache', '--reason', 'understood', '--json');
  expect(raised, raised.stderr).toMatchObject({ exit: 0 });
  expect(JSON.parse(raised.stdout).raised).toMatchObject({ level: 'auto', actor: me, reason: 'understood' });
});

test('whoever submits a promotion is named as who asked for it, whatever the document says', async () => {
  const document = {
    schema: 'v2',
    id: 'mine',
    timestamp: 1,
    fitness: 1,
    experiment: 'demo',
    changes: { cache: 64 },
  };
  const stdin = JSON.stringify({ ...document, requested_by: 'somebody else' });
  const submitted = await kloros(
    { home: home.home, stdin, env: { SUDO_USER: 'ana' } },
    'promotions',
    'submit',
    '-',
  );
  expect(submitted, submitted.stderr).toMatchObject({ exit: 0 });
  expect(JSON.parse(home.read('promotions', 'mine.json'))).toMatchObject({ requested_by: me });
});
