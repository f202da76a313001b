import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import { kloros } from '../support/kloros.ts';
import { type LoopHome, loopHome } from '../support/loop.ts';

let home: LoopHome;

beforeAll(async () => {
  home = await loopHome();
  writeFileSync(join(home.root, 'torn.json'), '{"schema":"v2","id":');
  writeFileSync(
    join(home.root, 'wild.json'),
    JSON.stringify({
      schema: 'v2',
      id: 'wild',
      timestamp: 1,
      fitness: 1,
      experiment: 'demo',
      changes: { cache: 1e9 },
    }),
  );
  writeFileSync(join(home.root, 'bad.yaml'), 'version: 1\nexperimants: {}\n');
  mkdirSync(join(home.root, 'elsewhere'));
});
afterAll(() => home.remove());

type Mistake = readonly [args: string, code: string, exit: number, says: RegExp];

const MISTAKES: readonly Mistake[] = [
  // usage
  ['statsu', 'KLR_E_USAGE', EXIT.usage, /Did you mean status\?/],
  ['escrow lst', 'KLR_E_USAGE', EXIT.usage, /Did you mean list\?/],
  ['tick --jsn', 'KLR_E_USAGE', EXIT.usage, /Did you mean --json\?/],
  ['why', 'KLR_E_USAGE', EXIT.usage, /parameter/],
  ['baseline diff 1', 'KLR_E_USAGE', EXIT.usage, /'b'/],
  ['baseline show first', 'KLR_E_USAGE', EXIT.usage, /such as 3 or v3/],
  ['baseline rollback', 'KLR_E_NOT_FOUND', EXIT.data, /nothing to roll back/],
  ['dream --trials 0', 'KLR_E_USAGE', EXIT.usage, /whole number from 1/],
  ['dream --seed 4294967296', 'KLR_E_USAGE', EXIT.usage, /from 0 to 4294967295/],
  ['ledger list --since yesterday', 'KLR_E_USAGE', EXIT.usage, /30m, 2h or 7d/],
  ['logs -n many', 'KLR_E_USAGE', EXIT.usage, /whole number/],
  ['promotions list --state lost', 'KLR_E_USAGE', EXIT.usage, /received, screened/],
  ['escrow list --all --state used', 'KLR_E_USAGE', EXIT.usage, /--state/],
  ['escrow approve escrow-1', 'KLR_E_USAGE', EXIT.usage, /--reason/],
  ['escrow approve escrow-1 --reason x --sha abc', 'KLR_E_USAGE', EXIT.usage, /12 hex digits/],
  ['intents submit reflect --priority 11', 'KLR_E_USAGE', EXIT.usage, /from 0 to 10/],
  ['intents submit reflect --data {', 'KLR_E_USAGE', EXIT.usage, /--data/],
  ['phase run', 'KLR_E_PHASE_NOT_DUE', EXIT.usage, /--force/],
  // data
  ['dream nosuch', 'KLR_E_NOT_FOUND', EXIT.data, /demo/],
  ['dream show dream-1', 'KLR_E_NOT_FOUND', EXIT.data, /kloros dream list/],
  ['phase show phase-1', 'KLR_E_NOT_FOUND', EXIT.data, /kloros phase list/],
  ['promotions show ../../etc/passwd', 'KLR_E_NOT_FOUND', EXIT.data, /kloros promotions list/],
  ['promotions submit torn.json', 'KLR_E_PROMOTION_INVALID', EXIT.data, /torn\.json/],
  ['promotions submit wild.json', 'KLR_E_PROMOTION_INVALID', EXIT.data, /1024/],
  ['promotions submit missing.json', 'KLR_E_PROMOTION_INVALID', EXIT.data, /missing\.json/],
  ['escrow show ../x', 'KLR_E_NOT_FOUND', EXIT.data, /kloros escrow list/],
  ['escrow reject escrow-1 --reason x', 'KLR_E_NOT_FOUND', EXIT.data, /kloros escrow list/],
  ['baseline show 7', 'KLR_E_NOT_FOUND', EXIT.data, /kloros baseline log/],
  ['baseline pin 7', 'KLR_E_NOT_FOUND', EXIT.data, /kloros baseline log/],
  ['baseline unpin 7', 'KLR_E_NOT_FOUND', EXIT.data, /kloros baseline log/],
  ['intents submit dance', 'KLR_E_INTENT_INVALID', EXIT.data, /trigger_dream/],
  ['intents submit trigger_dream --experiment nosuch', 'KLR_E_INTENT_INVALID', EXIT.data, /demo/],
  ['why demo.nosuch', 'KLR_E_NOT_FOUND', EXIT.data, /cache/],
  // configuration and home
  ['config check bad.yaml', 'KLR_E_CONFIG_INVALID', EXIT.config, /bad\.yaml:2:1: .*experiments/],
  ['config check missing.yaml', 'KLR_E_CONFIG_MISSING', EXIT.config, /kloros init/],
  ['--config bad.yaml status', 'KLR_E_CONFIG_INVALID', EXIT.config, /experimants/],
  ['--home elsewhere status', 'KLR_E_HOME_MISSING', EXIT.config, /kloros init/],
  ['--home elsewhere logs', 'KLR_E_HOME_MISSING', EXIT.config, /kloros init/],
];

describe.concurrent.each(MISTAKES)('kloros %s', (args, code, exit, says) => {
  test(`is ${code} with exit code ${exit}, and says what to do`, async () => {
    const where = { home: home.home, cwd: home.root };
    const ran = await kloros(where, ...args.split(' '), '--json');
    expect({ args, stdout: ran.stdout, exit: ran.exit }).toEqual({ args, stdout: '', exit });
    const { schema, error } = JSON.parse(ran.stderr);
    expect({ schema, code: error.code, exit: error.exit }).toEqual({ schema: 'kloros.error/v1', code, exit });
    expect(`${error.message} ${error.hint}`).toMatch(says);
    expect(error.hint).toMatch(/\w.*[.:)]$/);
  });
});

test('an error is one block for a person: code, message, what next; nothing on stdout', async () => {
  const { exit, stdout, stderr } = await kloros({ home: home.home }, 'promotions', 'show', 'gone');
  expect({ exit, stdout }).toEqual({ exit: 65, stdout: '' });
  expect(stderr).toMatch(
    /^KLR_E_NOT_FOUND: there is no promotion "gone"\n {2}next: {2}List them with `kloros promotions list`/,
  );
});

test('a noun without its verb prints the help and is a mistake of use', async () => {
  const { exit, stdout, stderr } = await kloros({}, 'escrow');
  expect({ exit, stdout }).toEqual({ exit: 64, stdout: '' });
  expect(stderr).toContain('Usage: kloros escrow');
});

test('what was refused changed nothing', async () => {
  const ctx = await home.open();
  const rows = await ctx.db.all("SELECT kind FROM events WHERE kind NOT IN ('home.created', 'mode.changed')");
  expect(rows).toEqual([]);
  expect(ctx.fs.readdirSync(ctx.paths.promotions)).toEqual([]);
  expect(ctx.fs.readdirSync(ctx.paths.intents)).toEqual([]);
  await ctx.db.close();
});
