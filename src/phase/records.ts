import { KlorosError } from '../errors.ts';
import type { Database, Row } from '../store/database.ts';
import { fromJson } from '../store/json.ts';
import { readEvents } from '../store/ledger.ts';
import type { CandidateVerdict, Verdict } from './types.ts';

/** An epoch as it is listed. Times are ms since the Unix epoch. */
export interface EpochRecord {
  readonly id: string;
  /** Local date of the window's start. */
  readonly date: string;
  readonly zone: string;
  readonly forced: boolean;
  readonly state: 'running' | 'paused' | 'done' | 'failed' | 'voided';
  readonly baselineVersion: number;
  readonly seed: number;
  readonly attempts: number;
  readonly elapsedMs: number;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** Relative to the home. */
  readonly report: string | null;
  readonly reportSha256: string | null;
  readonly verdicts: readonly VerdictRecord[];
}

export interface VerdictRecord {
  readonly promotionId: string;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly ts: number;
  readonly carriedOutAt: number | null;
  readonly statistics: Partial<CandidateVerdict>;
}

/** An epoch with why it ended. */
export interface EpochDetail extends EpochRecord {
  readonly reason: string | null;
}

/** The verdicts of an epoch. */
export async function readVerdicts(db: Database, epochId: string): Promise<VerdictRecord[]> {
  const rows = await db.all(
    `SELECT promotion_id, verdict, reason, ts, carried_out_at, statistics FROM verdicts
     WHERE epoch_id = ? ORDER BY promotion_id`,
    epochId,
  );
  return rows.map((row) => ({
    promotionId: String(row.promotion_id),
    verdict: row.verdict as Verdict,
    reason: String(row.reason),
    ts: Number(row.ts),
    carriedOutAt: row.carried_out_at === null ? null : Number(row.carried_out_at),
    statistics: fromJson(row.statistics),
  }));
}

async function toRecord(db: Database, row: Row): Promise<EpochRecord> {
  const text = (value: unknown) => (value === null ? null : String(value));
  return {
    id: String(row.id),
    date: String(row.date),
    zone: String(row.zone),
    forced: row.forced === 1,
    state: row.state as EpochRecord['state'],
    baselineVersion: Number(row.baseline_version),
    seed: Number(row.seed),
    attempts: Number(row.attempts),
    elapsedMs: Number(row.elapsed_ms),
    startedAt: Number(row.started_at),
    endedAt: row.ended_at === null ? null : Number(row.ended_at),
    report: text(row.report),
    reportSha256: text(row.report_sha256),
    verdicts: await readVerdicts(db, String(row.id)),
  };
}

/** Epochs with their verdicts, newest first; at most `limit` (20). */
export async function listEpochs(
  db: Database,
  options: { readonly limit?: number } = {},
): Promise<EpochRecord[]> {
  const rows = await db.all(
    'SELECT * FROM epochs ORDER BY started_at DESC, id DESC LIMIT ?',
    options.limit ?? 20,
  );
  return Promise.all(rows.map((row) => toRecord(db, row)));
}

/** One epoch. @throws KLR_E_NOT_FOUND */
export async function showEpoch(db: Database, id: string): Promise<EpochDetail> {
  const row = await db.get('SELECT * FROM epochs WHERE id = ?', id);
  if (!row)
    throw new KlorosError('KLR_E_NOT_FOUND', `there is no epoch ${JSON.stringify(id)}`, {
      hint: 'List them with `kloros phase list`.',
    });
  const [ended] = await readEvents(db, { subject: id, kind: 'epoch.ended', newestFirst: true, limit: 1 });
  const reason = ended?.data.reason;
  return { ...(await toRecord(db, row)), reason: typeof reason === 'string' ? reason : null };
}
