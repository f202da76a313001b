import { AggregatorRegistry, Registry } from 'prom-client';
import type { MetricValue } from './counters.ts';
import { type Family, familiesOf } from './families.ts';

/** The text formats that Prometheus reads. */
export type Format = 'openmetrics' | 'text';

export const CONTENT_TYPE: Readonly<Record<Format, string>> = {
  openmetrics: Registry.OPENMETRICS_CONTENT_TYPE,
  text: Registry.PROMETHEUS_CONTENT_TYPE,
};

/** The format that an Accept header asks for: OpenMetrics where it is preferred, the text format 0.0.4 otherwise. */
export function formatFor(accept: string | undefined): Format {
  const weight = (type: string) => {
    const part = (accept ?? '')
      .toLowerCase()
      .split(',')
      .find((p) => p.split(';')[0]?.trim() === type);
    if (part === undefined) return 0;
    const q = Number(/;\s*q=([\d.]+)/.exec(part)?.[1] ?? 1);
    return Number.isFinite(q) ? q : 0;
  };
  const open = weight('application/openmetrics-text');
  return open > 0 && open >= weight('text/plain') ? 'openmetrics' : 'text';
}

/** What prom-client calls a metric as JSON. OpenMetrics names a counter without the suffix of its samples. */
function asJson({ name, definition, samples }: Family, format: Format) {
  const bare = format === 'openmetrics' && definition.type === 'counter';
  return {
    name: bare ? name.replace(/_total$/, '') : name,
    help: definition.help,
    type: definition.type,
    aggregator: 'sum',
    values: samples.map(({ labels, value, suffix }) => ({
      labels,
      value,
      ...(suffix && { metricName: `${name}${suffix}` }),
    })),
  };
}

/**
 * Metrics as text, by prom-client: HELP, TYPE and escapes are its work.
 * @param experiments names of the configured experiments: their series are there from the start
 */
export function exposition(
  values: readonly MetricValue[],
  experiments: readonly string[],
  format: Format,
): Promise<string> {
  const metrics = familiesOf(values, experiments).map((family) => asJson(family, format));
  const registry = AggregatorRegistry.aggregate([metrics]);
  if (format === 'openmetrics') registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return registry.metrics();
}
