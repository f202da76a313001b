import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import type { Database } from '../store/database.ts';
import { getEntry, isUnchanged } from './entries.ts';
import { moveEntry } from './move.ts';
import type { EscrowEntry } from './types.ts';

export interface Decision {
  /** Who decides. */
  readonly reviewer: string;
  /** Why; a refusal needs one. */
  readonly reason: string;
  /** The change that the reviewer saw: another one is not decided on. */
  readonly contentSha256?: string | undefined;
}

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}]/u;

function checkReviewer({ reviewer, reason }: Decision, needsReason: boolean): void {
  const name = reviewer.trim();
  if (name === '' || name.length > 128 || UNPRINTABLE.test(name))
    throw new KlorosError('KLR_E_ESCROW_REVIEWER', 'a decision needs the name of who makes it');
  if (needsReason && reason.trim() === '')
    throw new KlorosError('KLR_E_ESCROW_REVIEWER', 'a refusal needs a reason');
}

function checkContent(entry: EscrowEntry, contentSha256: string | undefined): void {
  const changed = contentSha256 !== undefined && contentSha256 !== entry.contentSha256;
  if (changed || !isUnchanged(entry))
    throw new KlorosError('KLR_E_ESCROW_CHANGED', `${entry.id} is not the change that was decided on`, {
      where: entry.id,
    });
}

function checkTime(entry: EscrowEntry, now: number): void {
  if (entry.state === 'expired' || now >= entry.expiresAt)
    throw new KlorosError(
      'KLR_E_ESCROW_EXPIRED',
      `${entry.id} expired at ${new Date(entry.expiresAt).toISOString()}`,
      { where: entry.id },
    );
}

function checkWaiting(entry: EscrowEntry): void {
  if (entry.state === 'waiting') return;
  const who = entry.reviewer === null ? '' : ` by ${entry.reviewer}`;
  throw new KlorosError('KLR_E_ESCROW_DECIDED', `${entry.id} is ${entry.state} already${who}`, {
    where: entry.id,
  });
}

async function decideOn(
  ctx: Pick<Context, 'clock' | 'db'>,
  id: string,
  to: 'approved' | 'rejected',
  decision: Decision,
): Promise<EscrowEntry> {
  checkReviewer(decision, to === 'rejected');
  return ctx.db.transaction(async (tx) => {
    const entry = await getEntry(tx, id);
    if (entry.state !== 'expired') checkWaiting(entry);
    checkTime(entry, ctx.clock.now());
    checkContent(entry, decision.contentSha256);
    await moveEntry(tx, ctx, entry, to, {
      reviewer: decision.reviewer.trim(),
      reason: decision.reason.trim(),
    });
    return getEntry(tx, id);
  });
}

/**
 * Approves a waiting entry: bound to the hash of the change, the version it changes, and the entry's expiry. The next
 * tick carries it out.
 * @throws KLR_E_NOT_FOUND; KLR_E_ESCROW_REVIEWER without a name; KLR_E_ESCROW_DECIDED when it does not wait any more;
 * KLR_E_ESCROW_EXPIRED; KLR_E_ESCROW_CHANGED when it is not the change that the reviewer saw
 */
export function approve(
  ctx: Pick<Context, 'clock' | 'db'>,
  id: string,
  decision: Decision,
): Promise<EscrowEntry> {
  return decideOn(ctx, id, 'approved', decision);
}

/** Refuses a waiting entry, with a reason; the next tick ends the promotion. @throws as `approve` */
export function reject(
  ctx: Pick<Context, 'clock' | 'db'>,
  id: string,
  decision: Decision,
): Promise<EscrowEntry> {
  return decideOn(ctx, id, 'rejected', decision);
}

/**
 * Uses an approval, once, in the transaction that commits the change.
 * @param bound the hash (`changeSha256`) of what is about to be committed, and the version that it changes
 * @throws KLR_E_ESCROW_USED the second time; KLR_E_ESCROW_DECIDED when it is not approved; KLR_E_ESCROW_EXPIRED;
 * KLR_E_ESCROW_MOVED for another version; KLR_E_ESCROW_CHANGED for another change
 */
export async function use(
  tx: Database,
  ctx: Pick<Context, 'clock'>,
  id: string,
  bound: { readonly contentSha256: string; readonly baseVersion: number },
): Promise<void> {
  const entry = await getEntry(tx, id);
  if (entry.state === 'used')
    throw new KlorosError('KLR_E_ESCROW_USED', `the approval ${id} was used already`, { where: id });
  checkTime(entry, ctx.clock.now());
  if (entry.state !== 'approved')
    throw new KlorosError('KLR_E_ESCROW_DECIDED', `${id} is ${entry.state}, not approved`, { where: id });
  if (entry.baseVersion !== bound.baseVersion)
    throw new KlorosError(
      'KLR_E_ESCROW_MOVED',
      `${id} approves a change of baseline v${entry.baseVersion}, not of v${bound.baseVersion}`,
      { where: id },
    );
  checkContent(entry, bound.contentSha256);
  await moveEntry(tx, ctx, entry, 'used', { reason: 'committed' });
}
