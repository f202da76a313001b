import { KlorosError } from '../errors.ts';
import { isSafeId } from '../files/safe-id.ts';
import type { Database } from '../store/database.ts';
import { canonicalJson, fromJson, sha256Hex } from '../store/json.ts';
import type { ProposedChange } from './rules.ts';
import type { EscrowEntry, EscrowState } from './types.ts';

type EscrowRow = {
  id: string;
  promotion_id: string;
  content_sha256: string;
  base_version: number;
  state: EscrowState;
  reasons: string;
  document: string;
  requester: string;
  requested_at: number;
  expires_at: number;
  approvals: string;
  told_at: number | null;
  reviewer: string | null;
  reason: string | null;
  decided_at: number | null;
};

function fromRow(row: EscrowRow): EscrowEntry {
  return {
    id: row.id,
    promotionId: row.promotion_id,
    contentSha256: row.content_sha256,
    baseVersion: row.base_version,
    state: row.state,
    reasons: fromJson<string[]>(row.reasons),
    document: fromJson<EscrowEntry['document']>(row.document),
    requester: row.requester,
    requestedAt: row.requested_at,
    expiresAt: row.expires_at,
    approvals: fromJson<EscrowEntry['approvals']>(row.approvals),
    reviewer: row.reviewer,
    reason: row.reason,
    decidedAt: row.decided_at,
    toldAt: row.told_at,
  };
}

/** What a person approves: SHA-256 of the experiment, its configuration before and after, and the version it changes. */
export function changeSha256(
  change: Pick<ProposedChange, 'promotionId' | 'experiment' | 'from' | 'to'>,
  baseVersion: number,
): string {
  const { promotionId, experiment, from, to } = change;
  return sha256Hex(canonicalJson({ promotionId, experiment, from, to, baseVersion }));
}

/** Whether the stored change is still what was asked for: nobody edited it behind the decision. */
export function isUnchanged(entry: EscrowEntry): boolean {
  const change = entry.document.change as ProposedChange | undefined;
  return (
    change !== undefined &&
    change.promotionId === entry.promotionId &&
    changeSha256(change, entry.baseVersion) === entry.contentSha256
  );
}

export interface EscrowFilter {
  readonly states?: readonly EscrowState[] | undefined;
  /** Default 1,000. */
  readonly limit?: number | undefined;
}

/** Escrow entries, oldest first. */
export async function listEntries(db: Database, filter: EscrowFilter = {}): Promise<EscrowEntry[]> {
  const { states, limit = 1000 } = filter;
  if (states?.length === 0) return [];
  const where = states === undefined ? '' : `WHERE state IN (${states.map(() => '?').join(', ')})`;
  const rows = await db.all<EscrowRow>(
    `SELECT * FROM escrow ${where} ORDER BY requested_at, id LIMIT ?`,
    ...(states ?? []),
    limit,
  );
  return rows.map(fromRow);
}

/** An entry by its id. @throws KLR_E_NOT_FOUND, also for what is no id (a path, for one) */
export async function getEntry(db: Database, id: string): Promise<EscrowEntry> {
  const row = isSafeId(id) ? await db.get<EscrowRow>('SELECT * FROM escrow WHERE id = ?', id) : undefined;
  if (row === undefined)
    throw new KlorosError('KLR_E_NOT_FOUND', `no escrow entry ${JSON.stringify(id)}`, {
      hint: 'List what waits with `kloros escrow list`.',
    });
  return fromRow(row);
}

/** The entry of a promotion that waits for a person or is approved and not used yet, or null. */
export async function openEntry(db: Database, promotionId: string): Promise<EscrowEntry | null> {
  const row = await db.get<EscrowRow>(
    "SELECT * FROM escrow WHERE promotion_id = ? AND state IN ('waiting', 'approved')",
    promotionId,
  );
  return row === undefined ? null : fromRow(row);
}
