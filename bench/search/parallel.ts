/**
 * What parallel trials cost: the regret with many trials in flight over that of one at a time, for the same number of
 * trials; medians over seeds, shares of random search's regret, per problem and as the geometric mean.
 *
 * node bench/search/parallel.ts [--parallel 16] [--budgets 100] [--seeds 9] [--sampler auto] [--only mixed]
 */
import { parseArgs } from 'node:util';
import { type ProblemFamily, QUICK } from './problems.ts';
import { median, runSearch } from './run-search.ts';

const { values: options } = parseArgs({
  options: {
    sampler: { type: 'string', default: 'auto' },
    parallel: { type: 'string', default: '16' },
    budgets: { type: 'string', default: '100' },
    seeds: { type: 'string', default: '9' },
    only: { type: 'string', default: '' },
  },
});
/** Below this share of random search's regret two results are the same to a user. */
const FLOOR = 1e-3;

function regret(family: ProblemFamily, sampler: string, budget: number, parallel: number): number {
  const seeds = Array.from({ length: Number(options.seeds) }, (_, i) => i + 1);
  return median(
    seeds.map((seed) => runSearch(family.instance(seed), { sampler, budget, seed, parallel }).regret),
  );
}

function row(label: string, cells: readonly (string | number)[]): void {
  const words = cells.map((c) => (typeof c === 'number' ? c.toFixed(4) : c).padStart(12));
  process.stdout.write(`${label.padEnd(25)}${words.join('')}\n`);
}

function main(): void {
  const families = QUICK.filter((family) => family.name.includes(options.only));
  const parallel = Number(options.parallel);
  for (const budget of options.budgets.split(',').map(Number)) {
    row(`budget ${budget}`, ['1 at once', `${parallel} at once`, 'ratio']);
    const logs = families.map((family) => {
      const random = regret(family, 'random', budget, 1);
      const share = (at: number) => Math.max(FLOOR, regret(family, options.sampler, budget, at) / random);
      const [one, many] = [share(1), share(parallel)];
      row(family.name, [one, many, many / one]);
      return { one: Math.log(one), many: Math.log(many) };
    });
    const mean = (values: readonly number[]) =>
      Math.exp(values.reduce((sum, v) => sum + v, 0) / values.length);
    const [one, many] = [mean(logs.map((l) => l.one)), mean(logs.map((l) => l.many))];
    row('geometric mean', [one, many, many / one]);
  }
}

main();
