import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { runDrill } from '../../src/drill/run-drill.ts';
import type { DrillResult } from '../../src/drill/types.ts';
import { readEvents, verifyLedger } from '../../src/store/ledger.ts';
import { getMeta } from '../../src/store/meta.ts';
import { commitWhole } from '../support/baseline.ts';
import { type ConfigInput, experimentConfig, type TestContext, testContext } from '../support/context.ts';
import { kloros } from '../support/kloros.ts';
import { loopHome } from '../support/loop.ts';

let ctx: TestContext;
afterEach(async () => {
  vi.unstubAllEnvs();
  await ctx?.cleanup();
});

const states = (result: DrillResult) => result.gates.map((g) => `${g.gate}/${g.planted}: ${g.state}`);
const found = (result: DrillResult) =>
  result.gates.map((g) => `${g.gate}/${g.planted}: ${g.state}: ${g.found}`).join('\n');
const start = async (config: Partial<ConfigInput> = {}) => {
  ctx = await testContext({ config });
};
const ALL = [
  'scan/a value out of bounds',
  'scan/NaN',
  'scan/an unknown parameter',
  'screening/a regressor',
  'screening/a guardrail cheater',
  'PHASE/a true improvement (it has to pass)',
  'PHASE/a regressor',
  'PHASE/a guardrail cheater',
  'PHASE/a lucky outlier',
  'escrow/what may not go alone',
  'escrow/an approval of an edited entry',
  'escrow/a stale approval',
  'commit/what no epoch accepted',
  'commit/a value out of bounds with a forged verdict',
  'commit/all of these',
];

test('every gate holds on a sound home, and that is a metric and on record', async () => {
  await start();
  await commitWhole(ctx, { cache: 32 });
  vi.stubEnv('TMPDIR', ctx.configDir);
  const result = await runDrill(ctx);
  expect(states(result), found(result)).toEqual(ALL.map((gate) => `${gate}: held`));
  expect(result.passed).toBe(true);
  expect(await getMeta(ctx.db, 'drilled_at')).toBe(String(ctx.clock.now()));
  expect(await readEvents(ctx.db, { kind: 'drill.passed' })).toHaveLength(1);
  // Of the home nothing else was touched, and nothing is left of the copy.
  expect(await ctx.db.all('SELECT id FROM promotions')).toEqual([]);
  expect(readdirSync(ctx.paths.promotions)).toEqual([]);
  expect(await verifyLedger(ctx.db)).toMatchObject({ ok: true });
  expect(readdirSync(ctx.configDir).filter((name) => name.startsWith('kloros-drill-'))).toEqual([]);
});

test('what is under way in the home does not disturb it, nor is it disturbed', async () => {
  await start();
  await ctx.db.run(
    `INSERT INTO cycles (id, experiment, state, origin, sampler, seed, budget, request, config_hash, baseline_version, started_at)
     VALUES ('c1', 'demo', 'paused', '{}', 'auto', 1, '{}', '{}', '', 0, 0)`,
  );
  const result = await runDrill(ctx);
  expect(result.passed, found(result)).toBe(true);
  expect(await ctx.db.get('SELECT state FROM cycles')).toEqual({ state: 'paused' });
});

describe('with other rules', () => {
  test('what cannot be planted is skipped, and named', async () => {
    const parameters = { on: { type: 'boolean', default: false } } as const;
    const plain = { objectives: [{ metric: 'ms', direction: 'minimize' as const }], guardrails: [] };
    await start({ experiments: { demo: experimentConfig({ parameters, ...plain }) } });
    const result = await runDrill(ctx);
    expect(result.passed, found(result)).toBe(true);
    expect(result.gates.filter((g) => g.state === 'skipped').map((g) => g.found)).toContain(
      'there are no guardrails to cheat',
    );
    expect(found(result)).toContain('the space has too few configurations');
  });

  test('a plan that can show nothing fails it: blocked by it is no proof', async () => {
    await start({ phase: { slices: 1, replicas: 1 } });
    const result = await runDrill(ctx);
    expect(result.passed).toBe(false);
    expect(states(result)).toContain('PHASE/a true improvement (it has to pass): open');
    expect(await getMeta(ctx.db, 'drilled_at')).toBeUndefined();
    expect(await readEvents(ctx.db, { kind: 'drill.failed' })).toHaveLength(1);
  });

  test.each([
    [
      'a limit on a guardrail',
      { guardrails: [{ metric: 'errors', direction: 'minimize' as const, limit: 0 }] },
    ],
    [
      'a maximised guardrail',
      { guardrails: [{ metric: 'quality', direction: 'maximize' as const, max_regression: 0.02 }] },
    ],
    ['a minimised objective', { objectives: [{ metric: 'ms', direction: 'minimize' as const }] }],
    ['constraints', { constraints: ['cache > 4 || ratio < 0.9'] }],
  ])('%s is drilled as well', async (_, over) => {
    await start({ experiments: { demo: experimentConfig(over) } });
    const result = await runDrill(ctx);
    expect(states(result), found(result)).toEqual(ALL.map((gate) => `${gate}: held`));
  });

  test('an experiment that is not there is refused', async () => {
    await start();
    await expect(runDrill(ctx, 'none')).rejects.toMatchObject({ code: 'KLR_E_NOT_FOUND' });
  });
});

test('the command prints the gates, and its exit code tells', async () => {
  await start();
  const home = await loopHome();
  const good = await kloros({ home: home.home }, 'drill', '--json');
  expect(good, good.stdout + good.stderr).toMatchObject({ exit: 0 });
  expect(JSON.parse(good.stdout)).toMatchObject({ schema: 'kloros.drill/v1', passed: true });
  home.remove();
  const weak = await loopHome({ phase: { slices: 1, replicas: 1 } });
  const bad = await kloros({ home: weak.home }, 'drill');
  expect(bad).toMatchObject({ exit: 1 });
  expect(bad.stderr).toContain('KLR_E_DRILL_FAILED');
  expect(bad.stdout).toMatch(/^OPEN +PHASE +a true improvement/m);
  weak.remove();
});
