import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { addCounter } from '../metrics/counters.ts';
import type { Database } from '../store/database.ts';
import { appendEvent } from '../store/ledger.ts';
import type { EscrowEntry, EscrowState } from './types.ts';

/** Moves an entry on from the state that was seen: whoever comes second finds it moved. */
export async function moveEntry(
  tx: Database,
  ctx: Pick<Context, 'clock'>,
  entry: EscrowEntry,
  to: Exclude<EscrowState, 'waiting'>,
  by: { readonly reviewer?: string | null; readonly reason: string },
): Promise<void> {
  const now = ctx.clock.now();
  // Who decided stays on record when the approval is used, expires or is void; with four eyes the second of two.
  const reviewer = by.reviewer ?? entry.reviewer;
  const moved = await tx.run(
    'UPDATE escrow SET state = ?, reviewer = ?, reason = ?, decided_at = ? WHERE id = ? AND state = ?',
    to,
    reviewer,
    to === 'used' ? entry.reason : by.reason,
    to === 'used' ? entry.decidedAt : now,
    entry.id,
    entry.state,
  );
  if (moved !== 1)
    throw new KlorosError('KLR_E_ESCROW_DECIDED', `${entry.id} was decided by someone else`, {
      where: entry.id,
    });
  await appendEvent(tx, {
    ts: now,
    kind: `escrow.${to}`,
    subject: entry.id,
    data: {
      promotion: entry.promotionId,
      content_sha256: entry.contentSha256,
      base_version: entry.baseVersion,
      reviewer,
      reason: by.reason,
    },
  });
  await addCounter(tx, 'kloros_escrow_total', { state: to });
}
