import type { Context } from '../context.ts';
import { addCounter } from '../metrics/counters.ts';
import type { Promotion } from '../promotion/types.ts';
import type { Database } from '../store/database.ts';
import { canonicalJson } from '../store/json.ts';
import { appendEvent } from '../store/ledger.ts';
import { changeSha256, getEntry, openEntry } from './entries.ts';
import { moveEntry } from './move.ts';
import type { ProposedChange } from './rules.ts';
import type { EscrowEntry } from './types.ts';

export { approve, reject, use } from './decide.ts';
export { changeSha256, getEntry, listEntries, openEntry } from './entries.ts';

export interface EscrowRequest {
  readonly promotion: Pick<Promotion, 'id'>;
  /** Who proposed it. */
  readonly requester: string;
  readonly change: ProposedChange;
  /** The version that the change was validated against and is to change. */
  readonly baseVersion: number;
  /** Which rules ask for a person. */
  readonly reasons: readonly string[];
  /** What it rests on: epoch, verdict, gain. */
  readonly evidence: object;
}

function newEntryId(random: () => number): string {
  const digits = () =>
    Math.floor(random() * 2 ** 24)
      .toString(16)
      .padStart(6, '0');
  return `escrow-${digits()}${digits()}`;
}

/**
 * Asks for a person's decision, in the transaction that parks the promotion. Asking again for the same change gives the
 * entry that is open; another change voids it. Returns the entry's id.
 */
export async function request(
  tx: Database,
  ctx: Pick<Context, 'clock' | 'config' | 'random'>,
  asked: EscrowRequest,
): Promise<string> {
  const { promotion, requester, change, baseVersion, reasons, evidence } = asked;
  const now = ctx.clock.now();
  const contentSha256 = changeSha256(change, baseVersion);
  const open = await openEntry(tx, promotion.id);
  if (open?.contentSha256 === contentSha256 && open.expiresAt > now) return open.id;
  if (open) await moveEntry(tx, ctx, open, 'void', { reason: 'asked for again, with another change' });
  const id = newEntryId(ctx.random);
  await tx.run(
    `INSERT INTO escrow (id, promotion_id, content_sha256, base_version, state, reasons, document, requester, requested_at,
     expires_at, approvals) VALUES (?, ?, ?, ?, 'waiting', ?, ?, ?, ?, ?, '[]')`,
    id,
    promotion.id,
    contentSha256,
    baseVersion,
    canonicalJson(reasons),
    canonicalJson({ change, evidence }),
    requester,
    now,
    now + ctx.config.escrow.expires,
  );
  await appendEvent(tx, {
    ts: now,
    kind: 'escrow.requested',
    subject: id,
    experiment: change.experiment,
    data: {
      promotion: promotion.id,
      requester,
      content_sha256: contentSha256,
      base_version: baseVersion,
      reasons,
    },
  });
  await addCounter(tx, 'kloros_escrow_total', { state: 'requested' });
  return id;
}

/** Voids what is open for a promotion, when it ended otherwise or the baseline moved; whether there was something. */
export async function voidOpen(
  tx: Database,
  ctx: Pick<Context, 'clock'>,
  promotionId: string,
  reason: string,
): Promise<boolean> {
  const open = await openEntry(tx, promotionId);
  if (open === null) return false;
  await moveEntry(tx, ctx, open, 'void', { reason });
  return true;
}

/** Ends every entry, approved ones too, that is past its time. Returns them as they were. */
export async function expireDue(ctx: Pick<Context, 'clock' | 'db'>): Promise<EscrowEntry[]> {
  const due = await ctx.db.all<{ id: string }>(
    "SELECT id FROM escrow WHERE state IN ('waiting', 'approved') AND expires_at <= ?",
    ctx.clock.now(),
  );
  if (due.length === 0) return [];
  return ctx.db.transaction(async (tx) => {
    const expired: EscrowEntry[] = [];
    for (const { id } of due) {
      const entry = await getEntry(tx, id);
      if (entry.state !== 'waiting' && entry.state !== 'approved') continue;
      await moveEntry(tx, ctx, entry, 'expired', {
        reason: `nobody carried it out in time (was ${entry.state})`,
      });
      expired.push(entry);
    }
    return expired;
  });
}
