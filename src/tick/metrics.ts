import type { Context } from '../context.ts';
import { type MetricValue, readMetrics } from '../metrics/counters.ts';
import type { Format } from '../metrics/exposition.ts';
import { readGauges } from './gauges.ts';

type Read = Omit<Context, 'log' | 'random'>;

/** What is kept and what is computed, all of it. */
export async function allMetrics(ctx: Read): Promise<MetricValue[]> {
  return [...(await readMetrics(ctx.db)), ...(await readGauges(ctx))];
}

/** Every metric as text, for a scrape or a file. */
export async function metricsText(ctx: Read, format: Format): Promise<string> {
  const { exposition } = await import('../metrics/exposition.ts');
  return exposition(await allMetrics(ctx), Object.keys(ctx.config.experiments), format);
}
