import type { Database } from '../store/database.ts';
import { canonicalJson, fromJson } from '../store/json.ts';

export type Labels = Readonly<Record<string, string>>;

export interface MetricValue {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

/** Adds to a counter that survives the process: a tick is a process of its own. */
export async function addCounter(tx: Database, name: string, labels: Labels = {}, by = 1): Promise<void> {
  await tx.run(
    'INSERT INTO metrics (name, labels, value) VALUES (?, ?, ?) ON CONFLICT (name, labels) DO UPDATE SET value = metrics.value + excluded.value',
    name,
    canonicalJson(labels),
    by,
  );
}

/** Sets a gauge. */
export async function setGauge(tx: Database, name: string, labels: Labels, value: number): Promise<void> {
  await tx.run(
    'INSERT INTO metrics (name, labels, value) VALUES (?, ?, ?) ON CONFLICT (name, labels) DO UPDATE SET value = excluded.value',
    name,
    canonicalJson(labels),
    value,
  );
}

/** Every persisted metric, sorted by name and labels. */
export async function readMetrics(db: Database): Promise<MetricValue[]> {
  const rows = await db.all<{ name: string; labels: string; value: number }>(
    'SELECT name, labels, value FROM metrics ORDER BY name, labels',
  );
  return rows.map((row) => ({ ...row, labels: fromJson<Labels>(row.labels) }));
}
