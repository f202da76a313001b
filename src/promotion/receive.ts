import type { Config } from '../config/schema.ts';
import type { Context } from '../context.ts';
import type { Dropped } from '../files/drop-folder.ts';
import { isSafeFileName } from '../files/safe-id.ts';
import { addCounter } from '../metrics/counters.ts';
import type { Database } from '../store/database.ts';
import { sha256Hex } from '../store/json.ts';
import { appendEvent } from '../store/ledger.ts';
import { ackFileName, settle } from './ack.ts';
import { type BaselineInForce, checkPromotion } from './check.ts';
import { readDocument } from './document.ts';
import { insertPromotion } from './rows.ts';
import type { Promotion } from './types.ts';

/** A file of promotions/ as read. */
export interface PromotionFile {
  readonly file: string;
  readonly dropped: Dropped & { readonly state: 'read' | 'bad' };
}

type Fresh = Omit<Promotion, 'terminalAt' | 'updatedAt'>;
interface Judged {
  readonly row: Fresh;
  /** Why it is refused as read; null when it is sound. */
  readonly reason: string | null;
  readonly goodUntil: number | null;
}

/** The id of a file that has none of its own: no id from outside can start with @. */
function fileId(file: string): string {
  return isSafeFileName(file) ? `@${file.replace(/\.json$/, '')}` : `@${sha256Hex(file).slice(0, 32)}`;
}

/** What the file is, and whether it may be tried. Pure. */
export function judge(config: Config, baseline: BaselineInForce, source: PromotionFile, now: number): Judged {
  const { file, dropped } = source;
  const blank: Fresh = {
    id: fileId(file),
    file,
    sha256: dropped.sha256 ?? '',
    schema: 'v1',
    source: 'external',
    experiment: null,
    state: 'received',
    changes: {},
    document: {},
    baselineVersion: baseline.version,
    searchScore: null,
    validatedGain: null,
    attempts: 0,
    detail: {},
    receivedAt: now,
  };
  const refuse = (reason: string, row: Partial<Fresh> = {}): Judged => ({
    row: { ...blank, ...row },
    reason,
    goodUntil: null,
  });
  if (!isSafeFileName(file)) return refuse('its file name is not safe: letters, digits and . _ : - only');
  if (dropped.state === 'bad') return refuse(`${file}: ${dropped.reason}`);
  const read = readDocument(dropped.value);
  const document = dropped.value as Fresh['document'];
  if (!read.ok) return refuse(`${file}: ${read.reason}`, { id: read.id ?? blank.id });
  const { schema, id, goodUntil } = read.document;
  const known = { id, schema, document };
  const checked = checkPromotion(config, baseline, read.document);
  if (!checked.ok) return refuse(`${file}: ${checked.reason}`, { ...known, experiment: checked.experiment });
  const { experiment, changes } = checked;
  const baselineVersion = read.document.baselineVersion ?? baseline.version;
  return { row: { ...blank, ...known, experiment, changes, baselineVersion }, reason: null, goodUntil };
}

/** The ACK that answers it already, by the id inside or by the name of the file; undefined when there is none. */
async function answerOf(tx: Database, id: string | null, file: string) {
  return tx.get<{ file: string; accepted: number; reason: string }>(
    'SELECT file, accepted, reason FROM acks WHERE promotion_id = ? OR (file = ? AND promotion_id IS NOT NULL) LIMIT 1',
    id,
    ackFileName(file),
  );
}

/**
 * Records a file of promotions/, in a transaction: it is received, answered with its reason, or was answered before
 * (by an ACK that stands there). Whatever it is, it is never read again.
 */
export async function receive(
  tx: Database,
  ctx: Context,
  baseline: BaselineInForce,
  source: PromotionFile,
): Promise<'received' | 'rejected' | 'answered' | 'expired'> {
  const now = ctx.clock.now();
  const { row, reason, goodUntil } = judge(ctx.config, baseline, source, now);
  const twin = await tx.get<{ file: string }>('SELECT file FROM promotions WHERE id = ?', row.id);
  const id = twin === undefined ? row.id : fileId(row.file);
  await insertPromotion(tx, { ...row, id });
  await addCounter(tx, 'kloros_promotions_total', { state: 'received' });
  await appendEvent(tx, {
    ts: now,
    kind: 'promotion.received',
    subject: id,
    experiment: row.experiment,
    data: { file: row.file, sha256: row.sha256, schema: row.schema },
  });
  const answer = await answerOf(tx, twin === undefined ? id : null, row.file);
  if (answer !== undefined) {
    const words = `answered before, by ${answer.file}: ${answer.reason}`;
    const end = answer.accepted === 1 ? 'superseded' : 'rejected';
    await settle(tx, ctx, id, end, { reason: words, answeredBy: answer.file });
    return 'answered';
  }
  const why = twin === undefined ? reason : `${row.file}: it repeats the id ${row.id} of ${twin.file}`;
  if (why !== null) {
    await settle(tx, ctx, id, 'rejected', { reason: why });
    return 'rejected';
  }
  if (goodUntil === null || goodUntil > now) return 'received';
  await settle(tx, ctx, id, 'expired', { reason: 'it outlived its ttl_seconds before it was read' });
  return 'expired';
}
