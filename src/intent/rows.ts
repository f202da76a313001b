import type { Database } from '../store/database.ts';
import { fromJson } from '../store/json.ts';
import type { Intent, IntentState, IntentType } from './types.ts';

/** A row of the table intents. */
export type IntentRow = {
  id: string;
  file: string;
  /** `unknown` for one that could not be read. */
  type: IntentType | 'unknown';
  priority: number;
  state: IntentState;
  attempts: number;
  next_try_at: number;
  dedup_key: string;
  document: string;
  reason: string | null;
  generated_at: number;
  renewed_at: number;
  received_at: number;
  ended_at: number | null;
};

/** What the column `document` holds. */
export interface StoredDocument {
  readonly reason: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly emittedBy: string;
  /** The file as read; null when it could not be. */
  readonly original: unknown;
}

/** An intent with its state, for lists. */
export interface ListedIntent extends Intent {
  readonly state: IntentState;
  readonly nextTryAt: number;
  readonly receivedAt: number;
  readonly endedAt: number | null;
  /** How it ended or why it is tried again, in words. */
  readonly outcome: string | null;
}

export function fromRow(row: IntentRow): ListedIntent {
  const { reason, data, emittedBy } = fromJson<StoredDocument>(row.document);
  return {
    id: row.id,
    file: row.file,
    type: row.type as IntentType,
    priority: row.priority,
    reason,
    data,
    generatedAt: row.generated_at,
    emittedBy,
    attempts: row.attempts,
    state: row.state,
    nextTryAt: row.next_try_at,
    receivedAt: row.received_at,
    endedAt: row.ended_at,
    outcome: row.reason,
  };
}

export async function insertIntent(tx: Database, row: IntentRow): Promise<void> {
  await tx.run(
    `INSERT INTO intents (id, file, type, priority, state, attempts, next_try_at, dedup_key, document, reason,
     generated_at, renewed_at, received_at, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.id,
    row.file,
    row.type,
    row.priority,
    row.state,
    row.attempts,
    row.next_try_at,
    row.dedup_key,
    row.document,
    row.reason,
    row.generated_at,
    row.renewed_at,
    row.received_at,
    row.ended_at,
  );
}
