import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { isSafeFileName } from '../files/safe-id.ts';
import { addCounter } from '../metrics/counters.ts';
import type { Database } from '../store/database.ts';
import { canonicalJson, fromJson, sha256Hex } from '../store/json.ts';
import { appendEvent } from '../store/ledger.ts';
import { owe } from '../store/outbox.ts';
import type { TerminalState } from './types.ts';

/** The answer to a promotion, as it stands in promotions_ack/ (a format that exists outside: fields stay as they are). */
export interface Ack {
  readonly promotion_id: string;
  readonly accepted: boolean;
  readonly phase_epoch: string | null;
  /** SHA-256 of the epoch's report. */
  readonly phase_sha: string | null;
  /** Seconds since the Unix epoch. */
  readonly ts: number;
  readonly schema: 'v1';
  readonly rejection_reason?: string;
}

export interface SettleOptions {
  /** In words. */
  readonly reason: string;
  readonly epochId?: string | null | undefined;
  readonly phaseSha?: string | null | undefined;
  /** The ACK that stands there already, when someone else answered: none is written. */
  readonly answeredBy?: string | undefined;
}

/** Name of the ACK of a file in promotions/. A name that is not safe to repeat is replaced by its hash. */
export function ackFileName(file: string): string {
  const stem = file.replace(/\.json$/, '');
  return isSafeFileName(file) ? `${stem}_ack.json` : `unsafe-${sha256Hex(file).slice(0, 16)}_ack.json`;
}

async function oweAck(
  tx: Database,
  now: number,
  promotion: { id: string; file: string },
  accepted: boolean,
  options: SettleOptions,
): Promise<void> {
  const name = ackFileName(promotion.file);
  const ack: Ack = {
    promotion_id: promotion.id,
    accepted,
    phase_epoch: options.epochId ?? null,
    phase_sha: options.phaseSha ?? null,
    ts: Math.floor(now / 1000),
    schema: 'v1',
    ...(accepted ? {} : { rejection_reason: options.reason }),
  };
  await owe(tx, now, `promotions_ack/${name}`, `${JSON.stringify(ack, null, 2)}\n`);
  await tx.run(
    `INSERT INTO acks (file, promotion_id, accepted, reason, ts) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (file) DO UPDATE SET promotion_id = excluded.promotion_id, accepted = excluded.accepted,
     reason = excluded.reason, ts = excluded.ts`,
    name,
    promotion.id,
    accepted ? 1 : 0,
    options.reason,
    now,
  );
}

type OpenRow = { file: string; experiment: string | null; detail: string; sha256: string };

/**
 * Ends a promotion, in the transaction that decided it: its one terminal state, event, count and ACK. Call
 * `deliverOutbox` after the transaction.
 * @throws KLR_E_NOT_FOUND; KLR_E_PROMOTION_SETTLED when it has ended already: the first end stands
 */
export async function settle(
  tx: Database,
  ctx: Pick<Context, 'clock'>,
  id: string,
  state: TerminalState,
  options: SettleOptions,
): Promise<void> {
  const now = ctx.clock.now();
  const row = await tx.get<OpenRow & { state: string; terminal_at: number | null }>(
    'SELECT file, experiment, detail, sha256, state, terminal_at FROM promotions WHERE id = ?',
    id,
  );
  if (row === undefined) throw new KlorosError('KLR_E_NOT_FOUND', `no promotion ${id}`, { where: id });
  if (row.terminal_at !== null)
    throw new KlorosError('KLR_E_PROMOTION_SETTLED', `promotion ${id} ended as ${row.state} already`, {
      where: id,
    });
  await tx.run(
    'UPDATE promotions SET state = ?, detail = ?, updated_at = ?, terminal_at = ? WHERE id = ? AND terminal_at IS NULL',
    state,
    canonicalJson({ ...fromJson<Record<string, unknown>>(row.detail), reason: options.reason }),
    now,
    now,
    id,
  );
  const { reason, epochId, answeredBy } = options;
  if (answeredBy === undefined) await oweAck(tx, now, { id, file: row.file }, state === 'committed', options);
  await appendEvent(tx, {
    ts: now,
    kind: `promotion.${state}`,
    subject: id,
    experiment: row.experiment,
    data: { reason, epoch: epochId ?? null, ack: answeredBy ?? ackFileName(row.file), sha256: row.sha256 },
  });
  await addCounter(tx, 'kloros_promotions_total', { state });
}

/** `settle`, unless the promotion has ended already; whether it did it. */
export async function settleIfOpen(
  tx: Database,
  ctx: Pick<Context, 'clock'>,
  id: string,
  state: TerminalState,
  options: SettleOptions,
): Promise<boolean> {
  const row = await tx.get<{ terminal_at: number | null }>(
    'SELECT terminal_at FROM promotions WHERE id = ?',
    id,
  );
  if (row === undefined || row.terminal_at !== null) return false;
  await settle(tx, ctx, id, state, options);
  return true;
}
