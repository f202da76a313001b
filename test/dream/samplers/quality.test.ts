import { describe, expect, it } from 'vitest';
import type { Params, SpaceConfig } from '../../../src/config/parameters.ts';
import { createSearch } from '../../../src/dream/create-search.ts';
import { Prng } from '../../../src/dream/prng.ts';
import type { Search } from '../../../src/dream/sampler.ts';
import { compileSpace } from '../../../src/dream/space.ts';
import { settings, spaceConfig } from '../spaces.ts';

const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1);

interface Task {
  readonly config: SpaceConfig;
  readonly budget: number;
  /** The optimum is 0; the seed moves it. */
  loss(params: Params, target: readonly number[]): number;
}

const floats = (n: number) =>
  spaceConfig(
    Object.fromEntries(
      Array.from({ length: n }, (_, i) => [
        `x${i}`,
        { type: 'float' as const, low: 0, high: 1, default: 0.5 },
      ]),
    ),
  );
const apart = (params: Params, target: readonly number[], n: number) =>
  Array.from({ length: n }, (_, i) => Number(params[`x${i}`]) - (target[i] ?? 0));

const TASKS: Readonly<Record<string, Task>> = {
  'a bowl in six dimensions': {
    config: floats(6),
    budget: 40,
    loss: (p, target) => apart(p, target, 6).reduce((sum, z, i) => sum + (1 + 3 * i) * z * z, 0),
  },
  'a bent valley in four': {
    config: floats(4),
    budget: 60,
    loss: (p, target) => {
      const z = apart(p, target, 4);
      return z
        .slice(1)
        .reduce((sum, next, i) => sum + 50 * (next - (z[i] ?? 0) ** 2) ** 2 + (z[i] ?? 0) ** 2, 0);
    },
  },
  'numbers under choices': {
    config: spaceConfig({
      x0: { type: 'float', low: 0, high: 1, default: 0.5 },
      x1: { type: 'float', low: 0, high: 1, default: 0.5, when: { mode: ['b', 'c'] } },
      size: { type: 'int', low: 1, high: 1024, log: true, default: 1 },
      mode: { type: 'categorical', choices: ['a', 'b', 'c', 'd'], default: 'a' },
      fast: { type: 'boolean', default: false },
    }),
    budget: 50,
    loss: (p, target) => {
      const own = p.mode === 'c' ? (Number(p.x1) - (target[1] ?? 0)) ** 2 : p.mode === 'b' ? 0.4 : 0.6;
      const size = (Math.log2(Number(p.size)) / 10 - (target[2] ?? 0)) ** 2;
      return (Number(p.x0) - (target[0] ?? 0)) ** 2 + own + size + (p.fast === true ? 0 : 0.3);
    },
  },
};

const targetOf = (seed: number) => {
  const random = new Prng(seed, 99);
  return Array.from({ length: 6 }, () => 0.15 + 0.7 * random.next());
};

function drive(search: Search, budget: number, loss: (params: Params) => number): void {
  for (let i = 0; i < budget; i++) {
    const { id, params } = search.ask();
    search.tell(id, { values: [loss(params)] });
  }
}

function regrets(task: Task, sampler: string): number[] {
  const space = compileSpace(task.config);
  return SEEDS.map((seed) => {
    const target = targetOf(seed);
    const search = createSearch(space, settings({ seed, budget: task.budget }), sampler);
    drive(search, task.budget, (params) => task.loss(params, target));
    return task.loss(search.recommend()[0]?.params ?? {}, target);
  });
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

describe('on seeds 1 to 12 of three tasks a sampler beats random search', () => {
  const names = Object.keys(TASKS);
  const run = (sampler: string) => names.map((name) => regrets(TASKS[name] as Task, sampler));
  const random = run('random');
  // 26 wins of 36 come by chance alone in 6 of 1000 experiments, 33 in none of a million.
  it.each([
    ['auto', 33, 0.1],
    ['gaussian', 33, 0.1],
    ['tpe', 26, 0.7],
    ['evolution', 26, 0.8],
  ])('%s: in %d of 36 runs at least, with at most %d of its median regret', (sampler, least, share) => {
    const found = run(sampler);
    const table = names
      .map((name, t) => `${name}\n  ${sampler} ${shown(found[t])}\n  random ${shown(random[t])}`)
      .join('\n');
    const wins = found.flat().filter((regret, i) => regret < (random.flat()[i] ?? 0)).length;
    const shares = found.map((task, t) => median(task) / median(random[t] ?? []));
    expect(wins, table).toBeGreaterThanOrEqual(least);
    for (const measured of shares) expect(measured, table).toBeLessThan(share);
  });
});

const shown = (values: readonly number[] = []) => values.map((value) => value.toPrecision(3)).join(' ');

describe('under noise', () => {
  it('the recommendation is better than the luckiest draw, and its estimate nearer to the truth', () => {
    const space = compileSpace(floats(3));
    const runs = SEEDS.map((seed) => {
      const target = targetOf(seed);
      const truth = (p: Params) => apart(p, target, 3).reduce((sum, z) => sum + z * z, 0);
      const noise = new Prng(seed, 5);
      const search = createSearch(space, settings({ seed, noise: true, budget: 60 }), 'random');
      let lucky = { measured: Infinity, true: Infinity };
      drive(search, 60, (params) => {
        const measured = truth(params) + 0.3 * noise.normal();
        if (measured < lucky.measured) lucky = { measured, true: truth(params) };
        return measured;
      });
      const best = search.recommend()[0];
      const found = truth(best?.params ?? {});
      return {
        found,
        lucky: lucky.true,
        gap: Math.abs((best?.estimate[0] ?? Infinity) - found),
        luckyGap: lucky.true - lucky.measured,
      };
    });
    const table = JSON.stringify(runs);
    expect(median(runs.map((r) => r.found)), table).toBeLessThan(0.7 * median(runs.map((r) => r.lucky)));
    expect(median(runs.map((r) => r.gap)), table).toBeLessThan(0.5 * median(runs.map((r) => r.luckyGap)));
  });
});

describe('a failed trial informs the search', () => {
  it.each(['auto', 'gaussian', 'tpe', 'evolution'])(
    '%s learns to keep out of where trials fail',
    (sampler) => {
      const shares = SEEDS.map((seed) => {
        const search = createSearch(compileSpace(floats(3)), settings({ seed, budget: 60 }), sampler);
        let late = 0;
        for (let i = 0; i < 60; i++) {
          const { id, params } = search.ask();
          const fails = Number(params.x0) > 0.5;
          if (fails && i >= 30) late++;
          search.tell(id, fails ? { failed: true } : { values: [Number(params.x1) + Number(params.x2)] });
        }
        return late / 30;
      });
      expect(median(shares), `share of failing suggestions on seeds 1 to 12: ${shares}`).toBeLessThan(0.25);
    },
  );
});

describe('with two objectives', () => {
  /** What the points cover below and left of (1.1, 6): the front of ZDT1 (Zitzler et al., 2000) covers 6.27. */
  const covered = (points: readonly (readonly [number, number])[]) => {
    const front = points.filter(([a, b]) => a < 1.1 && b < 6).sort(([a], [b]) => a - b);
    let [area, lowest] = [0, 6];
    for (const [a, b] of front) {
      if (b < lowest) area += (1.1 - a) * (lowest - b);
      lowest = Math.min(lowest, b);
    }
    return area;
  };
  const zdt1 = (params: Params): [number, number] => {
    const x = apart(params, [], 6);
    const first = x[0] ?? 0;
    const g = 1 + (9 * x.slice(1).reduce((sum, value) => sum + value, 0)) / 5;
    return [first, g * (1 - Math.sqrt(first / g))];
  };
  const measure = (sampler: string, seed: number) => {
    const search = createSearch(
      compileSpace(floats(6)),
      settings({ seed, budget: 60, directions: ['minimize', 'minimize'] }),
      sampler,
    );
    for (let i = 0; i < 60; i++) {
      const { id, params } = search.ask();
      search.tell(id, { values: zdt1(params) });
    }
    return covered(search.recommend(60).map((r) => [r.estimate[0] ?? Infinity, r.estimate[1] ?? Infinity]));
  };

  it('auto covers nearly all of the front, random search does not', () => {
    const areas = SEEDS.slice(0, 6).map((seed) => [measure('auto', seed), measure('random', seed)] as const);
    const table = `auto and random on seeds 1 to 6: ${JSON.stringify(areas)}`;
    for (const [auto, random] of areas) {
      expect(auto, table).toBeGreaterThan(5.9);
      expect(random, table).toBeLessThan(5.5);
    }
  });
});
