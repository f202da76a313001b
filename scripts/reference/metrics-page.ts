import { CATALOGUE, type LabelValues, type MetricDefinition } from '../../src/metrics/catalogue.ts';
import { code, markdownTable, page } from './markdown.ts';

const MANY = 8;

function labelWords([name, values]: [string, LabelValues]): string {
  if (typeof values === 'string') return code(name);
  const shown = values.slice(0, MANY).join(', ');
  return `${code(name)} (${shown}${values.length > MANY ? ', …' : ''})`;
}

/** docs/reference/metrics.md, from the catalogue. */
export function metricsPage(): string {
  const metrics: [string, MetricDefinition][] = Object.entries(CATALOGUE);
  const rows = metrics.map(([name, { type, labels, source, help }]) => [
    code(name),
    source === 'kept' ? `${type}, kept` : type,
    Object.entries(labels).map(labelWords).join('; '),
    help,
  ]);
  return page([
    '# Metrics',
    'Served at `/metrics` by `kloros run --listen 127.0.0.1:9464` and `kloros metrics --listen 127.0.0.1:9464`, as OpenMetrics or in the text format 0.0.4; written for node_exporter by `kloros metrics --textfile` and by each tick where `metrics.textfile` is configured.',
    'What is kept is counted in the transaction that changes the state, and so survives the process. The rest is read from the state when it is asked for. Labels have closed lists of values, or are names of configured experiments; anything else becomes `other`. Every series of a counter is there from the start, with 0.',
    markdownTable(['Metric', 'Type', 'Labels', 'Meaning'], rows),
  ]);
}
