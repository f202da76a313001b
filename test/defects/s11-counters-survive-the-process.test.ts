/**
 * S11: the first system kept its counters in the process, and a tick is a process: they were always 0 or 1, and nothing
 * collected them. The rule: counters are kept with the state, and one of any number of ticks adds to them.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { BETTER, type FaultyHome, faultyHome } from '../faults/faulty-home.ts';

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let home: FaultyHome;

afterEach(() => home.remove());

const counters = async () => {
  const { code, stdout } = await home.cli('metrics');
  expect(code).toBe(0);
  const value = (series: string) =>
    Number(
      stdout
        .split('\n')
        .find((l) => l.startsWith(`${series} `))
        ?.split(' ')[1],
    );
  return {
    noop: value('kloros_ticks_total{outcome="NOOP"}'),
    rejected: value('kloros_promotions_total{state="rejected"}'),
  };
};

test('two processes that tick, each with something to count, come to two; a third process reads them', async () => {
  home = await faultyHome();
  for (const id of ['one', 'two']) {
    home.drop('promotions', `${id}.json`, { ...BETTER, id, changes: { cache: 1e9 } });
    expect((await home.cli('tick')).code).toBe(0);
    expect((await home.cli('tick')).code).toBe(0);
  }
  expect(await counters()).toEqual({ noop: 2, rejected: 2 });
  // A process that was killed takes nothing with it.
  home.drop('promotions', 'better.json', BETTER);
  home.hold(1);
  const tick = home.startCli('tick');
  while (home.begun() === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  tick.child.kill('SIGKILL');
  await tick.ended;
  expect(await counters()).toEqual({ noop: 2, rejected: 2 });
});
