import type { Database } from '../store/database.ts';
import { canonicalJson, fromJson } from '../store/json.ts';
import { CATALOGUE, type CounterName, type HistogramName, type KeptGaugeName } from './catalogue.ts';

export type Labels = Readonly<Record<string, string>>;

export interface MetricValue {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

async function add(tx: Database, name: string, labels: Labels, by: number): Promise<void> {
  await tx.run(
    'INSERT INTO metrics (name, labels, value) VALUES (?, ?, ?) ON CONFLICT (name, labels) DO UPDATE SET value = metrics.value + excluded.value',
    name,
    canonicalJson(labels),
    by,
  );
}

/** Adds to a counter that survives the process: a tick is a process of its own. */
export function addCounter(tx: Database, name: CounterName, labels: Labels = {}, by = 1): Promise<void> {
  return add(tx, name, labels, by);
}

/** Sets a gauge that is kept. */
export async function setGauge(
  tx: Database,
  name: KeptGaugeName,
  labels: Labels,
  value: number,
): Promise<void> {
  await tx.run(
    'INSERT INTO metrics (name, labels, value) VALUES (?, ?, ?) ON CONFLICT (name, labels) DO UPDATE SET value = excluded.value',
    name,
    canonicalJson(labels),
    value,
  );
}

/**
 * Adds a measurement to a histogram that survives the process. Kept are the sum and, of each bucket, only what fell
 * into it: the exposition adds them up.
 */
export async function observe(
  tx: Database,
  name: HistogramName,
  labels: Labels,
  value: number,
): Promise<void> {
  const edge = CATALOGUE[name].buckets.find((upper) => value <= upper);
  await add(tx, `${name}_bucket`, { ...labels, le: edge === undefined ? '+Inf' : String(edge) }, 1);
  await add(tx, `${name}_sum`, labels, value);
}

/** Every kept metric, sorted by name and labels. */
export async function readMetrics(db: Database): Promise<MetricValue[]> {
  const rows = await db.all<{ name: string; labels: string; value: number }>(
    'SELECT name, labels, value FROM metrics ORDER BY name, labels',
  );
  return rows.map((row) => ({ ...row, labels: fromJson<Labels>(row.labels) }));
}
