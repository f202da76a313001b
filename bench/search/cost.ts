/**
 * Own cost: CPU time of asks and tells a trial, the median over seeds, on a rotated ellipsoid.
 *
 * node bench/search/cost.ts [--trials 200,1000] [--dimensions 20] [--seeds 5] [--sampler auto] [--parallel 1,16]
 */
import { parseArgs } from 'node:util';
import { rotated } from './problems.ts';
import { median, runSearch } from './run-search.ts';

const { values: options } = parseArgs({
  options: {
    sampler: { type: 'string', default: 'auto' },
    trials: { type: 'string', default: '200,1000' },
    dimensions: { type: 'string', default: '20' },
    seeds: { type: 'string', default: '5' },
    parallel: { type: 'string', default: '1,16' },
  },
});

function main(): void {
  const { sampler } = options;
  const noises = [0, 0.2];
  for (const dimensions of options.dimensions.split(',').map(Number))
    for (const budget of options.trials.split(',').map(Number))
      for (const parallel of options.parallel.split(',').map(Number))
        for (const noise of noises) {
          const runs = Array.from({ length: Number(options.seeds) }, (_, i) => {
            const problem = rotated('ellipsoid', dimensions, noise).instance(i + 1);
            return runSearch(problem, { sampler, budget, seed: i + 1, parallel }).msPerTrial;
          });
          process.stdout.write(
            `${dimensions} dimensions, ${budget} trials, ${parallel} at once, noise ${noise}: ` +
              `${median(runs).toFixed(3)} ms a trial (${Math.min(...runs).toFixed(3)} to ${Math.max(...runs).toFixed(3)})\n`,
          );
        }
}

main();
