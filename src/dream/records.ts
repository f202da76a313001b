import type { Params } from '../config/parameters.ts';
import type { Database, Row } from '../store/database.ts';
import { fromJson } from '../store/json.ts';
import { loadCycle, type TrialRecord } from './cycle-store.ts';
import type { CycleResult } from './types.ts';

/** A cycle as it is listed. Times are ms since the Unix epoch. */
export interface CycleRecord {
  readonly id: string;
  readonly experiment: string;
  readonly state: 'running' | 'paused' | 'done' | 'failed' | 'cancelled';
  readonly origin: Readonly<Record<string, unknown>>;
  readonly sampler: string;
  readonly seed: number;
  readonly budget: { readonly trials: number; readonly durationMs: number };
  readonly baselineVersion: number;
  /** Over all runs of the cycle. */
  readonly elapsedMs: number;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly result: CycleResult | null;
}

/** A cycle with everything that it measured. */
export interface CycleDetail extends CycleRecord {
  readonly baseline: Params;
  readonly trials: readonly TrialRecord[];
}

function toRecord(row: Row): CycleRecord {
  return {
    id: String(row.id),
    experiment: String(row.experiment),
    state: row.state as CycleRecord['state'],
    origin: fromJson(row.origin),
    sampler: String(row.sampler),
    seed: Number(row.seed),
    budget: fromJson(row.budget),
    baselineVersion: Number(row.baseline_version),
    elapsedMs: Number(row.elapsed_ms),
    startedAt: Number(row.started_at),
    endedAt: row.ended_at === null ? null : Number(row.ended_at),
    result: row.result === null ? null : fromJson(row.result),
  };
}

/** Cycles, newest first; at most `limit` (50). */
export async function listCycles(
  db: Database,
  filter: { readonly experiment?: string; readonly limit?: number } = {},
): Promise<CycleRecord[]> {
  const where = filter.experiment === undefined ? '' : 'WHERE experiment = ?';
  const rows = await db.all(
    `SELECT * FROM cycles ${where} ORDER BY started_at DESC, id DESC LIMIT ?`,
    ...(filter.experiment === undefined ? [] : [filter.experiment]),
    filter.limit ?? 50,
  );
  return rows.map(toRecord);
}

/** One cycle with its trials in the order of their numbers. @throws KLR_E_NOT_FOUND */
export async function showCycle(db: Database, id: string): Promise<CycleDetail> {
  const { request, trials } = await loadCycle(db, id);
  const row = await db.get('SELECT * FROM cycles WHERE id = ?', id);
  return { ...toRecord(row ?? {}), baseline: request.baseline.params, trials };
}
