import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import type { Database } from '../store/database.ts';
import { canonicalJson } from '../store/json.ts';
import { appendEvent } from '../store/ledger.ts';
import { refuseFrozen } from './autonomy.ts';
import { getEntry, isUnchanged } from './entries.ts';
import { checkFourEyes, isSecondPair } from './four-eyes.ts';
import { moveEntry } from './move.ts';
import type { ProposedChange } from './rules.ts';
import type { Approval, EscrowEntry } from './types.ts';

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

type DecideContext = Pick<Context, 'clock' | 'db' | 'config'>;

/** The entry as it waits for a decision, with everything looked at that may forbid one. */
async function decidable(tx: Database, ctx: DecideContext, id: string, decision: Decision) {
  const entry = await getEntry(tx, id);
  if (entry.state !== 'expired') checkWaiting(entry);
  checkTime(entry, ctx.clock.now());
  checkContent(entry, decision.contentSha256);
  return entry;
}

/** The parameters that an entry would change. */
function changedBy({ document }: EscrowEntry): { experiment: string; names: string[] } {
  const { experiment, from, to } = document.change as ProposedChange;
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  return { experiment, names: names.filter((name) => from[name] !== to[name]) };
}

async function keepApproval(tx: Database, entry: EscrowEntry, approval: Approval): Promise<void> {
  const approvals = canonicalJson([...entry.approvals, approval]);
  await tx.run("UPDATE escrow SET approvals = ? WHERE id = ? AND state = 'waiting'", approvals, entry.id);
}

/**
 * Approves a waiting entry: bound to the hash of the change, the version it changes, and the entry's expiry. The next
 * tick carries it out. With `escrow.four_eyes` the first of two approvals is kept, and the entry waits on.
 * @throws KLR_E_NOT_FOUND; KLR_E_ESCROW_REVIEWER without a name; KLR_E_ESCROW_DECIDED when it does not wait any more;
 * KLR_E_ESCROW_EXPIRED; KLR_E_ESCROW_CHANGED when it is not the change that the reviewer saw; KLR_E_ESCROW_FOUR_EYES;
 * KLR_E_ESCROW_FROZEN when it changes a parameter that flapped and was not raised since
 */
export async function approve(ctx: DecideContext, id: string, decision: Decision): Promise<EscrowEntry> {
  checkReviewer(decision, false);
  return ctx.db.transaction(async (tx) => {
    const entry = await decidable(tx, ctx, id, decision);
    const { experiment, names } = changedBy(entry);
    await refuseFrozen(tx, experiment, names, id);
    const ts = ctx.clock.now();
    const approval = { reviewer: decision.reviewer.trim(), reason: decision.reason.trim(), ts };
    const enough = !ctx.config.escrow.four_eyes || isSecondPair(entry, approval);
    await keepApproval(tx, entry, approval);
    if (enough) await moveEntry(tx, ctx, entry, 'approved', approval);
    else {
      const { reviewer, reason } = approval;
      const data = { promotion: entry.promotionId, content_sha256: entry.contentSha256, reviewer, reason };
      await appendEvent(tx, { ts, kind: 'escrow.approved-by-one', subject: id, experiment, data });
    }
    return getEntry(tx, id);
  });
}

/** Refuses a waiting entry, with a reason; the next tick ends the promotion. One person is enough. @throws as `approve` */
export async function reject(ctx: DecideContext, id: string, decision: Decision): Promise<EscrowEntry> {
  checkReviewer(decision, true);
  return ctx.db.transaction(async (tx) => {
    const entry = await decidable(tx, ctx, id, decision);
    await moveEntry(tx, ctx, entry, 'rejected', {
      reviewer: decision.reviewer.trim(),
      reason: decision.reason.trim(),
    });
    return getEntry(tx, id);
  });
}

/**
 * Uses an approval, once, in the transaction that commits the change.
 * @param bound the hash (`changeSha256`) of what is about to be committed, and the version that it changes
 * @throws KLR_E_ESCROW_USED the second time; KLR_E_ESCROW_DECIDED when it is not approved; KLR_E_ESCROW_EXPIRED;
 * KLR_E_ESCROW_MOVED for another version; KLR_E_ESCROW_CHANGED for another change; KLR_E_ESCROW_FOUR_EYES when one
 * person approved where two have to
 */
export async function use(
  tx: Database,
  ctx: Pick<Context, 'clock' | 'config'>,
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
  if (ctx.config.escrow.four_eyes) checkFourEyes(entry);
  await moveEntry(tx, ctx, entry, 'used', { reason: 'committed' });
}
