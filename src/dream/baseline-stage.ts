import type { Experiment } from '../config/schema.ts';
import type { StoredCycle } from './cycle-store.ts';
import type { Measurer } from './measurer.ts';
import { type ByDomain, type Metrics, meanMetrics, requiredMetrics } from './score.ts';
import { searchSeed } from './seeds.ts';

/** Measurements of the baseline in each domain before the search: its level is what every score stands on. */
export const BASELINE_REPEATS = 2;

/**
 * Measures the baseline in every domain. The mean counts; in each domain one measurement has to succeed. Look at the
 * measurer's interruption before using the outcome.
 */
export async function measureBaseline(run: {
  readonly experiment: Experiment;
  readonly cycle: Pick<StoredCycle, 'request'>;
  readonly measurer: Measurer;
}): Promise<{ readonly metrics: ByDomain } | { readonly failed: string }> {
  const { request } = run.cycle;
  const domains = Object.keys(run.experiment.domains);
  const wanted = Array.from({ length: BASELINE_REPEATS * domains.length }, (_, number) => {
    const domain = domains[number % domains.length] ?? '';
    const repeat = Math.floor(number / domains.length);
    const seed = searchSeed(request.seed, 'baseline', repeat, domain);
    const { params } = request.baseline;
    return { number, role: 'baseline' as const, subject: 'baseline', domain, params, seed };
  });
  const ends = await Promise.allSettled(wanted.map((one) => run.measurer.measure(one)));
  const thrown = ends.find((end) => end.status === 'rejected');
  if (thrown) throw thrown.reason;
  const trials = ends.flatMap((end) => (end.status === 'fulfilled' && end.value ? [end.value] : []));
  const metrics = new Map<string, Metrics>();
  for (const domain of domains) {
    const here = trials.filter((trial) => trial.domain === domain);
    const completed = here.filter(({ state }) => state === 'completed').map((trial) => trial.metrics);
    if (completed.length === 0)
      return {
        failed: `the baseline itself cannot be measured in ${domain}, so nothing can be compared with it: ${here.at(-1)?.reason}`,
      };
    metrics.set(domain, meanMetrics(completed, requiredMetrics(run.experiment)));
  }
  return { metrics };
}
