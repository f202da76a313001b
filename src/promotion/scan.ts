import type { Context } from '../context.ts';
import { dropReader, lookIntoFolder } from '../files/drop-folder.ts';
import { isSafeFileName } from '../files/safe-id.ts';
import { getMeta, setMeta } from '../store/meta.ts';
import { deliverOutbox } from '../store/outbox.ts';
import { settle } from './ack.ts';
import type { BaselineInForce } from './check.ts';
import { type PromotionFile, receive } from './receive.ts';
import { WAITING_IDLE } from './rows.ts';
import { scanAcks } from './scan-acks.ts';

const MARK = 'scan.promotions';
/** Files read in one scan, and in one transaction. */
const AT_MOST = 10_000;
const BATCH = 500;

export interface ScanResult {
  /** New and sound. */
  readonly received: number;
  /** Refused as read, each with an ACK that says why. */
  readonly rejected: number;
  /** New here, but answered before by an ACK of someone else. */
  readonly answered: number;
  /** Waited longer than `promotions.ttl`. */
  readonly expired: number;
  /** Files left for a later scan: too many at once, or being written. */
  readonly left: number;
}

type Counts = { received: number; rejected: number; answered: number; expired: number };

async function count(ctx: Context, state: string): Promise<number> {
  const row = await ctx.db.get<{ n: number }>('SELECT COUNT(*) AS n FROM promotions WHERE state = ?', state);
  return row?.n ?? 0;
}

async function expireWaiting(ctx: Context): Promise<number> {
  const { ttl } = ctx.config.promotions;
  const due = await ctx.db.all<{ id: string }>(
    `SELECT p.id AS id FROM promotions p WHERE p.received_at <= ? AND ${WAITING_IDLE} LIMIT 1000`,
    ctx.clock.now() - ttl,
  );
  if (due.length === 0) return 0;
  const reason = `it waited longer than promotions.ttl (${Math.round(ttl / 3_600_000)} h)`;
  await ctx.db.transaction(async (tx) => {
    for (const { id } of due) await settle(tx, ctx, id, 'expired', { reason });
  });
  return due.length;
}

/** Reads the new files among `names` in batches, until there is no room for more. Returns how many are left. */
async function readIn(
  ctx: Context,
  baseline: BaselineInForce,
  names: readonly string[],
  counts: Counts,
): Promise<number> {
  const read = dropReader(ctx, ctx.paths.promotions);
  let room = ctx.config.promotions.max_waiting - (await count(ctx, 'received'));
  let at = 0;
  let later = 0;
  while (at < Math.min(names.length, AT_MOST) && room > 0) {
    const files: PromotionFile[] = [];
    for (const file of names.slice(at, at + Math.min(BATCH, room))) {
      at += 1;
      // What a name that may not be repeated stands for is not opened.
      const dropped = isSafeFileName(file) ? await read(file) : UNSAFE;
      if (dropped.state === 'read' || dropped.state === 'bad') files.push({ file, dropped });
      if (dropped.state !== 'later') continue;
      later += 1;
      ctx.log.event('promotion.later', { file, reason: dropped.reason });
    }
    await ctx.db.transaction(async (tx) => {
      for (const file of files) {
        const outcome = await receive(tx, ctx, baseline, file);
        counts[outcome] += 1;
        if (outcome === 'received') room -= 1;
      }
    });
  }
  return names.length - at + later;
}

const UNSAFE = {
  state: 'bad',
  problem: 'unreadable',
  reason: 'unsafe name',
  text: null,
  sha256: null,
} as const;

/**
 * Reads what is new in promotions/ into the database, and ends what waited too long. A file is answered once, by its
 * name: its row is what counts from then on, and a changed proposal is a new file. Files stay in place.
 * Call it under the orchestrator lock.
 * @param baseline in force: partial changes are checked on top of it
 * @throws KLR_E_DISK_FULL, KLR_E_HOME_READ_ONLY: ACKs that could not be written stay owed
 */
export async function scanPromotions(ctx: Context, baseline: BaselineInForce): Promise<ScanResult> {
  const counts: Counts = { received: 0, rejected: 0, answered: 0, expired: 0 };
  const last = await getMeta(ctx.db, MARK);
  const look = lookIntoFolder(ctx.fs, ctx.paths.promotions, ctx.clock.now(), last);
  let left = await scanAcks(ctx);
  if (left === 0 && look.changed) {
    const known = new Set(
      (await ctx.db.all<{ file: string }>('SELECT file FROM promotions')).map((row) => row.file),
    );
    const fresh = look.names.filter((name) => !known.has(name)).sort();
    left = await readIn(ctx, baseline, fresh, counts);
  }
  if (left === 0 && look.mark !== last) await setMeta(ctx.db, MARK, look.mark);
  counts.expired += await expireWaiting(ctx);
  if (counts.rejected + counts.expired > 0) await deliverOutbox(ctx);
  return { ...counts, left };
}
