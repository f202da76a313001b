import { join } from 'node:path';
import type { Context } from '../context.ts';
import { type Dropped, dropReader } from '../files/drop-folder.ts';
import type { Database } from '../store/database.ts';
import { canonicalJson } from '../store/json.ts';
import { appendEvent } from '../store/ledger.ts';
import { deliverOutbox } from '../store/outbox.ts';
import { archiveFolder, endIntent } from './archive.ts';
import { type Claimed, claimedFolder, claimIntents } from './claim.ts';
import { type IntentDocument, readIntent } from './document.ts';
import { type IntentRow, insertIntent, type StoredDocument } from './rows.ts';

export interface IntentScan {
  /** New, sound, and asked for by no other that waits. */
  readonly received: number;
  readonly invalid: number;
  readonly duplicate: number;
  readonly stale: number;
  readonly overflow: number;
  /** Files left for a later scan. */
  readonly left: number;
}

type Counts = { received: number; invalid: number; duplicate: number; stale: number; overflow: number };
type Read = Dropped & { readonly state: 'read' | 'bad' };

/** So much of a file that is no JSON is kept in its archive. */
const EXCERPT = 4096;

function rowOf(claimed: Claimed, now: number, stored: StoredDocument, intent?: IntentDocument): IntentRow {
  const generated = Math.min(now, intent?.generatedAt ?? now);
  return {
    id: claimed.id,
    file: claimed.file,
    type: intent?.type ?? 'unknown',
    priority: intent?.priority ?? 0,
    state: 'waiting',
    attempts: 0,
    next_try_at: 0,
    dedup_key: intent?.dedupKey ?? '',
    document: canonicalJson(stored),
    reason: null,
    generated_at: generated,
    renewed_at: generated,
    received_at: now,
    ended_at: null,
  };
}

/**
 * Why a request is the same as another, or null. One that waits is renewed by it, so that a fresh request never dies of
 * an old one's age; one that was carried out answers every equal request that was made before its end.
 */
async function duplicateReason(tx: Database, row: IntentRow): Promise<string | null> {
  const waiting = await tx.get<{ id: string }>(
    "SELECT id FROM intents WHERE dedup_key = ? AND state = 'waiting' AND id <> ?",
    row.dedup_key,
    row.id,
  );
  if (waiting !== undefined) {
    await tx.run(
      `UPDATE intents SET renewed_at = CASE WHEN renewed_at < ? THEN ? ELSE renewed_at END,
       priority = CASE WHEN priority < ? THEN ? ELSE priority END WHERE id = ?`,
      row.generated_at,
      row.generated_at,
      row.priority,
      row.priority,
      waiting.id,
    );
    return `${waiting.id} asks for the same and waits already`;
  }
  const done = await tx.get<{ id: string }>(
    "SELECT id FROM intents WHERE dedup_key = ? AND state = 'done' AND ended_at >= ? LIMIT 1",
    row.dedup_key,
    row.generated_at,
  );
  return done === undefined ? null : `${done.id} asked for the same and was carried out after this was asked`;
}

async function takeIn(
  tx: Database,
  ctx: Context,
  claimed: Claimed,
  read: Read,
  counts: Counts,
): Promise<void> {
  const now = ctx.clock.now();
  const parsed = read.state === 'read' ? readIntent(ctx.config, read.value, read.text) : read;
  const original = read.state === 'read' ? read.value : (read.text?.slice(0, EXCERPT) ?? null);
  if (!('ok' in parsed) || !parsed.ok) {
    await insertIntent(tx, rowOf(claimed, now, { reason: '', data: {}, emittedBy: 'unknown', original }));
    await endIntent(tx, ctx, claimed, 'invalid', parsed.reason);
    counts.invalid += 1;
    return;
  }
  const { reason, data, emittedBy, type } = parsed.intent;
  const row = rowOf(claimed, now, { reason, data, emittedBy, original }, parsed.intent);
  await insertIntent(tx, row);
  const { file } = claimed;
  await appendEvent(tx, { ts: now, kind: 'intent.received', subject: row.id, data: { file, type, reason } });
  counts.received += 1;
  const duplicate = await duplicateReason(tx, row);
  if (duplicate === null) return;
  await endIntent(tx, ctx, row, 'duplicate', duplicate);
  counts.received -= 1;
  counts.duplicate += 1;
}

async function staleIntents(db: Database, ctx: Context): Promise<{ id: string }[]> {
  const before = ctx.clock.now() - ctx.config.intents.stale_after;
  return db.all<{ id: string }>(
    "SELECT id FROM intents WHERE state = 'waiting' AND generated_at <= ? AND renewed_at <= ?",
    before,
    before,
  );
}

async function endStale(tx: Database, ctx: Context): Promise<number> {
  const stale = await staleIntents(tx, ctx);
  const hours = Math.round(ctx.config.intents.stale_after / 3_600_000);
  for (const row of stale)
    await endIntent(tx, ctx, row, 'stale', `it is older than intents.stale_after (${hours} h)`);
  return stale.length;
}

/** The lowest priorities go first, and of one priority the oldest: they are the least likely to be missed still. */
async function endOverflow(tx: Database, ctx: Context): Promise<number> {
  const most = ctx.config.intents.max_waiting;
  const waiting = await tx.get<{ n: number }>("SELECT COUNT(*) AS n FROM intents WHERE state = 'waiting'");
  const excess = (waiting?.n ?? 0) - most;
  if (excess <= 0) return 0;
  const rows = await tx.all<{ id: string }>(
    "SELECT id FROM intents WHERE state = 'waiting' ORDER BY priority, renewed_at, id LIMIT ?",
    excess,
  );
  for (const row of rows) await endIntent(tx, ctx, row, 'overflow', `more than ${most} intents were waiting`);
  return rows.length;
}

interface Taken {
  readonly claimed: Claimed;
  /** Null for one that is in the database already: a crash fell between. */
  readonly read: Read | null;
  /** What is not whole in its archive file is kept beside it. */
  readonly keep: boolean;
}

/** Reads what was claimed. One that cannot be read yet stays claimed. */
async function readClaimed(ctx: Context, claimed: readonly Claimed[]): Promise<Taken[]> {
  const read = dropReader(ctx, claimedFolder(ctx));
  const taken: Taken[] = [];
  for (const one of claimed) {
    const known = await ctx.db.get<{ state: string }>('SELECT state FROM intents WHERE id = ?', one.id);
    if (known !== undefined) {
      taken.push({ claimed: one, read: null, keep: known.state === 'invalid' });
      continue;
    }
    const dropped = await read(one.name);
    if (dropped.state === 'read' || dropped.state === 'bad')
      taken.push({ claimed: one, read: dropped, keep: dropped.state === 'bad' });
  }
  return taken;
}

function discard(ctx: Context, { claimed, keep }: Taken): void {
  const from = join(claimedFolder(ctx), claimed.name);
  try {
    if (keep) ctx.fs.renameSync(from, join(archiveFolder(ctx, 'invalid'), `${claimed.name}.original`));
    else ctx.fs.rmSync(from, { force: true });
  } catch (error) {
    // The next scan finds it and knows what it is.
    ctx.log.event('intent.stuck', { file: claimed.name, reason: String(error) });
  }
}

/**
 * Takes new intents from intents/ into the database and ends those that are not to be handled: unreadable ones at once,
 * repeated, stale, and beyond the depth limit. Each is archived under its outcome, with the reason.
 * Call it under the orchestrator lock.
 * @throws KLR_E_DISK_FULL, KLR_E_HOME_READ_ONLY: archive files that could not be written stay owed
 */
export async function scanIntents(ctx: Context): Promise<IntentScan> {
  const { claimed, left } = claimIntents(ctx);
  const counts: Counts = { received: 0, invalid: 0, duplicate: 0, stale: 0, overflow: 0 };
  if (claimed.length === 0 && (await staleIntents(ctx.db, ctx)).length === 0) return { ...counts, left };
  const taken = await readClaimed(ctx, claimed);
  await ctx.db.transaction(async (tx) => {
    // Old requests end before new ones are compared with them: none is dropped for one that is about to end.
    counts.stale += await endStale(tx, ctx);
    for (const { claimed: one, read } of taken) if (read) await takeIn(tx, ctx, one, read, counts);
    counts.stale += await endStale(tx, ctx);
    counts.overflow += await endOverflow(tx, ctx);
  });
  for (const one of taken) discard(ctx, one);
  await deliverOutbox(ctx);
  return { ...counts, left: left + claimed.length - taken.length };
}
