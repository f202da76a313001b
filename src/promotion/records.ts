import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import type { Database, SqlValue } from '../store/database.ts';
import { canonicalJson } from '../store/json.ts';
import { appendEvent } from '../store/ledger.ts';
import { fromRow, type PromotionRow } from './rows.ts';
import type { Promotion, PromotionState, TerminalState } from './types.ts';

type OpenState = Exclude<PromotionState, TerminalState>;

/** What may follow what; back to screened is validation once more, against the baseline of then. */
const NEXT: Readonly<Record<OpenState, readonly OpenState[]>> = {
  received: ['screened'],
  screened: ['accepted'],
  accepted: ['escrowed', 'screened'],
  escrowed: ['approved', 'screened'],
  approved: ['screened'],
};
const OPEN = "('received', 'screened', 'accepted', 'escrowed', 'approved')";

/** A promotion by its id, or null. */
export async function getPromotion(db: Database, id: string): Promise<Promotion | null> {
  const row = await db.get<PromotionRow>('SELECT * FROM promotions WHERE id = ?', id);
  return row === undefined ? null : fromRow(row);
}

export interface PromotionFilter {
  readonly states?: readonly PromotionState[] | undefined;
  readonly experiment?: string | undefined;
  /** Default 1,000. */
  readonly limit?: number | undefined;
  /** Newest first; default oldest first. */
  readonly newestFirst?: boolean | undefined;
}

/** Promotions that match every condition given, by when they were received. */
export async function listPromotions(db: Database, filter: PromotionFilter = {}): Promise<Promotion[]> {
  const { states, experiment, limit = 1000, newestFirst = false } = filter;
  const conditions: string[] = [];
  const values: SqlValue[] = [];
  if (states !== undefined) {
    if (states.length === 0) return [];
    conditions.push(`state IN (${states.map(() => '?').join(', ')})`);
    values.push(...states);
  }
  if (experiment !== undefined) {
    conditions.push('experiment = ?');
    values.push(experiment);
  }
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const order = newestFirst ? 'DESC' : 'ASC';
  const rows = await db.all<PromotionRow>(
    `SELECT * FROM promotions ${where} ORDER BY received_at ${order}, id ${order} LIMIT ?`,
    ...values,
    limit,
  );
  return rows.map(fromRow);
}

/** How many promotions have no final answer yet. */
export async function countUnacked(db: Database): Promise<number> {
  const row = await db.get<{ n: number }>(`SELECT COUNT(*) AS n FROM promotions WHERE state IN ${OPEN}`);
  return row?.n ?? 0;
}

async function openPromotion(tx: Database, id: string): Promise<Promotion & { state: OpenState }> {
  const promotion = await getPromotion(tx, id);
  if (promotion === null) throw new KlorosError('KLR_E_NOT_FOUND', `no promotion ${id}`, { where: id });
  if (promotion.terminalAt !== null)
    throw new KlorosError('KLR_E_PROMOTION_SETTLED', `promotion ${id} ended as ${promotion.state} already`, {
      where: id,
    });
  return promotion as Promotion & { state: OpenState };
}

export interface MoveOptions {
  /** In words. */
  readonly reason: string;
  /** Relative gain that PHASE measured. */
  readonly validatedGain?: number | undefined;
  readonly searchScore?: number | undefined;
  /** Merged into the promotion's detail. */
  readonly detail?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Moves a promotion on, with its event. Ends are `settle`'s.
 * @throws KLR_E_NOT_FOUND, KLR_E_PROMOTION_SETTLED; KLR_E_PROMOTION_STATE when `to` does not follow its state
 */
export async function moveState(
  tx: Database,
  ctx: Pick<Context, 'clock'>,
  id: string,
  to: OpenState,
  options: MoveOptions,
): Promise<void> {
  const now = ctx.clock.now();
  const p = await openPromotion(tx, id);
  if (!NEXT[p.state].includes(to))
    throw new KlorosError('KLR_E_PROMOTION_STATE', `promotion ${id} is ${p.state}; ${to} cannot follow`, {
      where: id,
    });
  await tx.run(
    `UPDATE promotions SET state = ?, detail = ?, validated_gain = ?, search_score = ?, updated_at = ?
     WHERE id = ? AND state = ?`,
    to,
    canonicalJson({ ...p.detail, ...options.detail, reason: options.reason }),
    options.validatedGain ?? p.validatedGain,
    options.searchScore ?? p.searchScore,
    now,
    id,
    p.state,
  );
  await appendEvent(tx, {
    ts: now,
    kind: `promotion.${to}`,
    subject: id,
    experiment: p.experiment,
    data: { reason: options.reason, from: p.state, ...options.detail },
  });
}

/** Records that a D-REAM cycle measured it beside the baseline and found it worth validating. */
export async function markScreened(
  tx: Database,
  ctx: Pick<Context, 'clock'>,
  id: string,
  result: { readonly gain: number; readonly screening: Readonly<Record<string, unknown>> },
): Promise<void> {
  await moveState(tx, ctx, id, 'screened', {
    reason: `measured ${(result.gain * 100).toFixed(1)} % better than the baseline in screening`,
    searchScore: result.gain,
    detail: { screening: result.screening },
  });
}

/**
 * Records that an epoch left it open: it stays screened. Returns how many epochs did.
 * @throws KLR_E_NOT_FOUND, KLR_E_PROMOTION_SETTLED
 */
export async function countInconclusive(
  tx: Database,
  ctx: Pick<Context, 'clock'>,
  id: string,
  epochId: string,
  reason: string,
): Promise<number> {
  const now = ctx.clock.now();
  const p = await openPromotion(tx, id);
  const attempts = p.attempts + 1;
  await tx.run('UPDATE promotions SET attempts = ?, updated_at = ? WHERE id = ?', attempts, now, id);
  await appendEvent(tx, {
    ts: now,
    kind: 'promotion.inconclusive',
    subject: id,
    experiment: p.experiment,
    data: { reason, epoch: epochId, attempts },
  });
  return attempts;
}

export { addWinners } from './winners.ts';
