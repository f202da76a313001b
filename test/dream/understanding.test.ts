import { afterEach, expect, test } from 'vitest';
import { cycleWords } from '../../src/cli/dream-words.ts';
import { makeOutput } from '../../src/cli/output.ts';
import { runCycle } from '../../src/dream/cycle.ts';
import { showCycle } from '../../src/dream/records.ts';
import { understandCycle } from '../../src/dream/understanding.ts';
import type { TestContext } from '../support/context.ts';
import { control, demoContext, demoRequest, formulaExecutor, tunable } from './formula-executor.ts';

const open: TestContext[] = [];
afterEach(async () => {
  for (const ctx of open.splice(0)) await ctx.cleanup();
});

async function searched(trials: number): Promise<TestContext> {
  const ctx = await demoContext({ search: { sampler: 'random' } });
  open.push(ctx);
  await runCycle(ctx, formulaExecutor(ctx, tunable), control(), demoRequest(ctx, { trials }));
  return ctx;
}

test('a cycle says which parameters decided its scores and which way, and never otherwise', async () => {
  const ctx = await searched(40);
  const analysis = await understandCycle(ctx, 'cycle-1');
  const totals = new Map(analysis?.importance.map(({ name, total }) => [name, total]));
  expect([...totals.keys()].sort()).toEqual(['cache', 'compress', 'mode', 'ratio']);
  expect(totals.get('mode')).toBeGreaterThan(0.1);
  const mode = analysis?.effects.find(({ name }) => name === 'mode')?.curve ?? [];
  expect(mode.map(({ value }) => value)).toEqual(['slow', 'fast']);
  expect(mode[1]?.mean).toBeGreaterThan(mode[0]?.mean ?? Infinity);
  expect(await understandCycle(ctx, 'cycle-1')).toEqual(analysis);
});

test('it is shown between the screening and the trials', async () => {
  const ctx = await searched(40);
  const out = makeOutput({ json: false, quiet: false, color: 'never' });
  const analysis = await understandCycle(ctx, 'cycle-1');
  const shown = cycleWords(await showCycle(ctx.db, 'cycle-1'), 0, { trials: false, analysis }, out);
  expect(shown).toMatch(/^IMPORTANCE +ALONE +IN ALL +BEST AT +EFFECT$/m);
  expect(shown).toMatch(/^mode +\d+ % +±\d+ % +\d+ % +fast +slow ▁█ fast$/m);
  expect(shown).toMatch(/^the model behind it predicts \d+ % of the differences/m);
});

test('of too few configurations, and of an experiment that was changed since, nothing is said', async () => {
  const few = await searched(5);
  expect(await understandCycle(few, 'cycle-1')).toBeNull();
  const ctx = await searched(20);
  expect(await understandCycle(ctx, 'cycle-1')).not.toBeNull();
  const { demo } = ctx.config.experiments;
  if (!demo) throw new Error('no demo experiment');
  const changed = { ...demo, objectives: [{ metric: 'p99', direction: 'minimize' as const, weight: 1 }] };
  const config = { ...ctx.config, experiments: { demo: changed } };
  expect(await understandCycle({ db: ctx.db, config }, 'cycle-1')).toBeNull();
});
