import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { CATALOGUE, type MetricDefinition } from '../../src/metrics/catalogue.ts';

export const root = join(import.meta.dirname, '../..');
export const rulesFile = join(root, 'deploy/prometheus/kloros.rules.yml');
export const testsFolder = join(root, 'deploy/prometheus/tests');
export const runbooksFolder = join(root, 'docs/runbooks');

export interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}

export function readRules(): Rule[] {
  const { groups } = parse(readFileSync(rulesFile, 'utf8')) as { groups: { rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

interface Target {
  readonly expr: string;
}

export interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly Target[] }[];
  readonly annotations: { readonly list: readonly Target[] };
  readonly templating: { readonly list: readonly { readonly query: string | { readonly query: string } }[] };
}

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(join(root, 'deploy/grafana/kloros.json'), 'utf8')) as Dashboard;
}

/** Every query of the dashboard with the panel that asks it. */
export function dashboardQueries(): { readonly title: string; readonly expr: string }[] {
  const { panels, annotations } = readDashboard();
  return [
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr }))),
    ...annotations.list.map(({ expr }) => ({ title: 'annotation', expr })),
  ];
}

export const testFiles = (): string[] => readdirSync(testsFolder).filter((file) => file.endsWith('.yml'));

/** Every series name that the exporter has: of a histogram those of its parts. */
export function exportedNames(): Set<string> {
  const all: [string, MetricDefinition][] = Object.entries(CATALOGUE);
  return new Set(
    all.flatMap(([name, { type }]) =>
      type === 'histogram' ? ['_bucket', '_sum', '_count'].map((suffix) => name + suffix) : [name],
    ),
  );
}

/** Names of KLoROS's metrics in a query. */
export function metricsIn(query: string): string[] {
  return [...new Set(query.match(/\bkloros_[a-z0-9_]+/g))];
}
