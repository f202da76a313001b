import type { Database } from './database.ts';
import { canonicalJson, fromJson, sha256Hex } from './json.ts';

/** One entry of the append-only record, linked to the one before by SHA-256. */
export interface LedgerEvent {
  readonly seq: number;
  /** Milliseconds since the Unix epoch. */
  readonly ts: number;
  /** A dotted word: promotion.received, verdict.given, baseline.committed, … */
  readonly kind: string;
  /** What it is about: the id of a promotion, cycle, epoch, intent, or a baseline version. */
  readonly subject: string;
  readonly experiment: string | null;
  readonly data: Readonly<Record<string, unknown>>;
  readonly previousHash: string;
  readonly hash: string;
}

export interface NewEvent {
  readonly ts: number;
  readonly kind: string;
  readonly subject: string;
  readonly experiment?: string | null;
  readonly data?: Readonly<Record<string, unknown>>;
}

type EventRow = {
  seq: number;
  ts: number;
  kind: string;
  subject: string;
  experiment: string | null;
  data: string;
  previous_hash: string;
  hash: string;
};

function eventHash(row: Omit<EventRow, 'hash'>): string {
  return sha256Hex(
    canonicalJson([row.seq, row.ts, row.kind, row.subject, row.experiment, row.data, row.previous_hash]),
  );
}

/** The hash that an event has to carry, by what it says. */
export function hashOfEvent({ previousHash, data, ...event }: Omit<LedgerEvent, 'hash'>): string {
  const { seq, ts, kind, subject, experiment } = event;
  return eventHash({
    seq,
    ts,
    kind,
    subject,
    experiment,
    data: canonicalJson(data),
    previous_hash: previousHash,
  });
}

/** Appends an event. Call it inside the transaction that makes the change it tells of. */
export async function appendEvent(tx: Database, event: NewEvent): Promise<{ seq: number; hash: string }> {
  const last = await tx.get<{ seq: number; hash: string }>(
    'SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1',
  );
  const row = {
    seq: (last?.seq ?? 0) + 1,
    ts: event.ts,
    kind: event.kind,
    subject: event.subject,
    experiment: event.experiment ?? null,
    data: canonicalJson(event.data ?? {}),
    previous_hash: last?.hash ?? '',
  };
  const hash = eventHash(row);
  await tx.run(
    'INSERT INTO events (seq, ts, kind, subject, experiment, data, previous_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    row.seq,
    row.ts,
    row.kind,
    row.subject,
    row.experiment,
    row.data,
    row.previous_hash,
    hash,
  );
  return { seq: row.seq, hash };
}

export interface EventFilter {
  readonly afterSeq?: number;
  readonly sinceTs?: number;
  readonly kind?: string;
  readonly subject?: string;
  readonly limit?: number;
  readonly newestFirst?: boolean;
}

/** Events that match every condition given, oldest first unless asked otherwise; at most `limit` (1,000). */
export async function readEvents(db: Database, filter: EventFilter = {}): Promise<LedgerEvent[]> {
  const conditions: string[] = ['seq > ?'];
  const params: (string | number)[] = [filter.afterSeq ?? 0];
  if (filter.kind !== undefined) {
    conditions.push('kind = ?');
    params.push(filter.kind);
  }
  if (filter.subject !== undefined) {
    conditions.push('subject = ?');
    params.push(filter.subject);
  }
  if (filter.sinceTs !== undefined) {
    conditions.push('ts >= ?');
    params.push(filter.sinceTs);
  }
  const rows = await db.all<EventRow>(
    `SELECT * FROM events WHERE ${conditions.join(' AND ')} ORDER BY seq ${filter.newestFirst ? 'DESC' : 'ASC'} LIMIT ?`,
    ...params,
    filter.limit ?? 1000,
  );
  return rows.map(({ previous_hash, data, ...row }) => ({
    ...row,
    data: fromJson(data),
    previousHash: previous_hash,
  }));
}

/**
 * Recomputes every link. The first broken one is named; `head` is the hash of the last event.
 * @param newest only so many events; the link of the first of them is taken as it stands
 */
export async function verifyLedger(
  db: Database,
  newest = Number.POSITIVE_INFINITY,
): Promise<{ ok: true; events: number; head: string } | { ok: false; seq: number; reason: string }> {
  const last = await db.get<{ seq: number }>('SELECT seq FROM events ORDER BY seq DESC LIMIT 1');
  let seq = Math.max(0, (last?.seq ?? 0) - newest);
  const before = await db.get<{ hash: string }>('SELECT hash FROM events WHERE seq = ?', seq);
  let previous = before?.hash ?? '';
  for (;;) {
    const rows = await db.all<EventRow>('SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT 5000', seq);
    if (rows.length === 0) return { ok: true, events: seq, head: previous };
    for (const { hash, ...row } of rows) {
      if (row.seq !== seq + 1) return { ok: false, seq: row.seq, reason: `event ${seq + 1} is missing` };
      if (row.previous_hash !== previous)
        return { ok: false, seq: row.seq, reason: 'it does not name the event before it' };
      if (eventHash(row) !== hash)
        return { ok: false, seq: row.seq, reason: 'its content does not match its hash' };
      previous = hash;
      seq = row.seq;
    }
  }
}
