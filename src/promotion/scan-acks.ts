import { join } from 'node:path';
import type { Context } from '../context.ts';
import { type Dropped, dropReader, lookIntoFolder } from '../files/drop-folder.ts';
import type { Database } from '../store/database.ts';
import { appendEvent } from '../store/ledger.ts';
import { getMeta, setMeta } from '../store/meta.ts';
import { settle } from './ack.ts';
import { WAITING_IDLE } from './rows.ts';

const MARK = 'scan.acks';
/** Files read in one scan, and in one transaction. */
const AT_MOST = 10_000;
const BATCH = 500;

type Fields = Readonly<Record<string, unknown>>;
interface ReadAck {
  readonly promotionId: string | null;
  readonly accepted: boolean;
  readonly reason: string;
}

const text = (value: unknown, otherwise: string) =>
  typeof value === 'string' ? value.slice(0, 500) : otherwise;

/** The two formats: `accepted` now, `status` applied, blocked or failed in the older one. */
function readAck(fields: Fields): ReadAck | null {
  const { promotion_id: id, accepted, status } = fields;
  if (typeof id !== 'string' || id === '') return null;
  const promotionId = id.slice(0, 256);
  if (typeof accepted === 'boolean')
    return {
      promotionId,
      accepted,
      reason: text(fields.rejection_reason, accepted ? 'accepted' : 'rejected'),
    };
  if (status === 'applied' || status === 'blocked' || status === 'failed')
    return { promotionId, accepted: status === 'applied', reason: text(fields.reason, status) };
  return null;
}

function understand(dropped: Dropped & { state: 'read' | 'bad' }): ReadAck {
  if (dropped.state === 'bad') return { promotionId: null, accepted: false, reason: dropped.reason };
  const { value } = dropped;
  const ack = value !== null && typeof value === 'object' ? readAck(value as Fields) : null;
  return (
    ack ?? { promotionId: null, accepted: false, reason: 'it has no promotion_id with accepted or status' }
  );
}

/** What stands in the way of the ACK that will be owed under that name is put aside: a file cannot replace a folder. */
function putAside(ctx: Pick<Context, 'fs' | 'paths'>, name: string): void {
  try {
    ctx.fs.renameSync(join(ctx.paths.promotionAcks, name), join(ctx.paths.promotionAcks, `.${name}.refused`));
  } catch {
    // It stays; the ledger tells of it.
  }
}

/** A waiting promotion that this ACK answers: who answers first, ends it. */
async function settleAnswered(tx: Database, ctx: Context, file: string, ack: ReadAck): Promise<void> {
  const stem = /^(.+)_ack\.json$/.exec(file)?.[1];
  const rows = await tx.all<{ id: string }>(
    `SELECT p.id AS id FROM promotions p WHERE (p.id = ? OR p.file = ?) AND ${WAITING_IDLE}`,
    ack.promotionId,
    stem === undefined ? '' : `${stem}.json`,
  );
  for (const { id } of rows)
    await settle(tx, ctx, id, ack.accepted ? 'superseded' : 'rejected', {
      reason: `answered from outside by ${file}: ${ack.reason}`,
      answeredBy: file,
    });
}

async function record(tx: Database, ctx: Context, file: string, ack: ReadAck): Promise<void> {
  await tx.run(
    'INSERT INTO acks (file, promotion_id, accepted, reason, ts) VALUES (?, ?, ?, ?, ?) ON CONFLICT (file) DO NOTHING',
    file,
    ack.promotionId,
    ack.accepted ? 1 : 0,
    ack.reason,
    ctx.clock.now(),
  );
  if (ack.promotionId !== null) return settleAnswered(tx, ctx, file, ack);
  const { reason } = ack;
  await appendEvent(tx, { ts: ctx.clock.now(), kind: 'ack.unreadable', subject: file, data: { reason } });
  ctx.log.event('ack.unreadable', { file, reason });
}

/**
 * Reads the ACKs that others put into promotions_ack/, each once: those of the first system, by hand, by a tool. One
 * that cannot be read answers nothing, is told of once, and gives way to the ACK that will be owed.
 * @returns how many are left for a later scan: promotions are not received before
 */
export async function scanAcks(ctx: Context): Promise<number> {
  const last = await getMeta(ctx.db, MARK);
  const look = lookIntoFolder(ctx.fs, ctx.paths.promotionAcks, ctx.clock.now(), last);
  if (!look.changed) {
    if (look.mark !== last) await setMeta(ctx.db, MARK, look.mark);
    return 0;
  }
  const known = new Set((await ctx.db.all<{ file: string }>('SELECT file FROM acks')).map((row) => row.file));
  const fresh = look.names.filter((name) => !known.has(name)).sort();
  const read = dropReader(ctx, ctx.paths.promotionAcks);
  let left = Math.max(0, fresh.length - AT_MOST);
  for (let from = 0; from < Math.min(fresh.length, AT_MOST); from += BATCH) {
    const acks: [file: string, ack: ReadAck][] = [];
    for (const file of fresh.slice(from, Math.min(from + BATCH, AT_MOST))) {
      const dropped = await read(file);
      if (dropped.state === 'later') left += 1;
      if (dropped.state !== 'read' && dropped.state !== 'bad') continue;
      if (dropped.state === 'bad' && dropped.problem === 'not-regular') putAside(ctx, file);
      acks.push([file, understand(dropped)]);
    }
    await ctx.db.transaction(async (tx) => {
      for (const [file, ack] of acks) await record(tx, ctx, file, ack);
    });
  }
  if (left === 0) await setMeta(ctx.db, MARK, look.mark);
  return left;
}
