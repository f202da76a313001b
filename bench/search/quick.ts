/**
 * Quick measure of the samplers: normalised regret (random search's as 1) of the recommended point, the median over
 * seeds, per problem and budget; the geometric mean over problems; own cost per trial.
 *
 * node bench/search/quick.ts [--samplers auto,tpe] [--budgets 30,100,200] [--seeds 10] [--only mixed]
 */
import { parseArgs } from 'node:util';
import { type ProblemFamily, QUICK } from './problems.ts';
import { median, type Run, runSearch } from './run-search.ts';

const { values: options } = parseArgs({
  options: {
    samplers: { type: 'string', default: 'auto,tpe,evolution' },
    budgets: { type: 'string', default: '30,100,200' },
    seeds: { type: 'string', default: '10' },
    only: { type: 'string', default: '' },
    parallel: { type: 'string', default: '1' },
  },
});
/** Below this share of random search's regret two results are the same to a user. */
const FLOOR = 1e-3;

function measure(family: ProblemFamily, sampler: string, budget: number): Run {
  const parallel = Number(options.parallel);
  const runs = Array.from({ length: Number(options.seeds) }, (_, i) =>
    runSearch(family.instance(i + 1), { sampler, budget, seed: i + 1, parallel }),
  );
  return { regret: median(runs.map((r) => r.regret)), msPerTrial: median(runs.map((r) => r.msPerTrial)) };
}

function main(): void {
  const samplers = options.samplers.split(',');
  const families = QUICK.filter((family) => family.name.includes(options.only));
  process.stdout.write(`seeds 1 to ${options.seeds}, ${options.parallel} at once\n`);
  for (const budget of options.budgets.split(',').map(Number)) {
    const logs = new Map(samplers.map((s) => [s, { sum: 0, ms: [] as number[] }]));
    process.stdout.write(
      `${`\nbudget ${budget}`.padEnd(26) + samplers.map((s) => s.padStart(12)).join('')}\n`,
    );
    for (const family of families) {
      const random = measure(family, 'random', budget).regret;
      const cells = samplers.map((sampler) => {
        const { regret, msPerTrial } = measure(family, sampler, budget);
        const share = Math.max(FLOOR, regret / random);
        const log = logs.get(sampler);
        if (log !== undefined) log.sum += Math.log(share);
        log?.ms.push(msPerTrial);
        return share.toFixed(4).padStart(12);
      });
      process.stdout.write(`${family.name.padEnd(25)}${cells.join('')}\n`);
    }
    const line = (label: string, cell: (s: string) => string) =>
      process.stdout.write(`${label.padEnd(25) + samplers.map((s) => cell(s).padStart(12)).join('')}\n`);
    line('geometric mean', (s) => Math.exp((logs.get(s)?.sum ?? 0) / families.length).toFixed(4));
    line('ms a trial', (s) => median(logs.get(s)?.ms ?? []).toFixed(3));
  }
}

main();
