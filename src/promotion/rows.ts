import type { Params } from '../config/parameters.ts';
import type { Database } from '../store/database.ts';
import { canonicalJson, fromJson } from '../store/json.ts';
import type { Promotion, PromotionState } from './types.ts';

/** A row of the table promotions. */
export type PromotionRow = {
  id: string;
  file: string;
  sha256: string;
  schema: Promotion['schema'];
  source: Promotion['source'];
  experiment: string | null;
  state: PromotionState;
  changes: string;
  document: string;
  baseline_version: number | null;
  search_score: number | null;
  validated_gain: number | null;
  attempts: number;
  detail: string;
  received_at: number;
  updated_at: number;
  terminal_at: number | null;
};

export function fromRow(row: PromotionRow): Promotion {
  return {
    id: row.id,
    file: row.file,
    sha256: row.sha256,
    schema: row.schema,
    source: row.source,
    experiment: row.experiment,
    state: row.state,
    changes: fromJson<Params>(row.changes),
    document: fromJson<Promotion['document']>(row.document),
    baselineVersion: row.baseline_version,
    searchScore: row.search_score,
    validatedGain: row.validated_gain,
    attempts: row.attempts,
    detail: fromJson<Promotion['detail']>(row.detail),
    receivedAt: row.received_at,
    updatedAt: row.updated_at,
    terminalAt: row.terminal_at,
  };
}

/** Inserts the row of a promotion that is new. */
export async function insertPromotion(
  tx: Database,
  p: Omit<Promotion, 'terminalAt' | 'updatedAt'>,
): Promise<void> {
  await tx.run(
    `INSERT INTO promotions (id, file, sha256, schema, source, experiment, state, changes, document,
     baseline_version, search_score, validated_gain, attempts, detail, received_at, updated_at, terminal_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)`,
    p.id,
    p.file,
    p.sha256,
    p.schema,
    p.source,
    p.experiment,
    p.state,
    canonicalJson(p.changes),
    canonicalJson(p.document),
    p.baselineVersion,
    p.searchScore,
    p.validatedGain,
    p.attempts,
    canonicalJson(p.detail),
    p.receivedAt,
    p.receivedAt,
  );
}

/**
 * SQL over promotions p: those that wait and that nothing measures now. Only these are ended from outside (by time, by
 * an ACK of someone else); what a cycle or an epoch is measuring, it answers.
 */
export const WAITING_IDLE = `(p.state = 'received' AND NOT EXISTS (SELECT 1 FROM cycles c
    WHERE c.state IN ('running', 'paused') AND c.experiment = p.experiment)
  OR p.state = 'screened' AND NOT EXISTS (SELECT 1 FROM epochs e WHERE e.state IN ('running', 'paused')))`;
