import { isAbsolute } from 'node:path';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { readDropped } from '../files/read-safe.ts';
import { parseStrictJson } from '../files/strict-json.ts';
import { addCounter, observe } from '../metrics/counters.ts';
import type { Database } from '../store/database.ts';
import { sha256Hex } from '../store/json.ts';
import { appendEvent } from '../store/ledger.ts';
import { owe } from '../store/outbox.ts';
import { insertVerdict } from './epoch-end.ts';
import { reportPaths } from './report.ts';
import { REPORT_MAX, readSignal } from './signal.ts';
import type { Candidate, CandidateVerdict, EpochRequest, Verdict } from './types.ts';

/** What an external program told of the candidates, checked against its signal. */
export interface ExternalReport {
  readonly text: string;
  readonly sha256: string;
  readonly verdicts: readonly CandidateVerdict[];
}

type Fields = Readonly<Record<string, unknown>>;

const VERDICTS: ReadonlySet<unknown> = new Set<Verdict>(['accept', 'reject', 'inconclusive']);

/** The entry of a promotion, when the report has exactly one that says something. */
function entryOf(value: unknown, promotionId: string): Fields | null {
  const all = (value as Fields | null)?.verdicts;
  const entries = Array.isArray(all)
    ? all.filter((e) => (e as Fields | null)?.promotion_id === promotionId)
    : [];
  const [entry] = entries as Fields[];
  return entry !== undefined && entries.length === 1 && VERDICTS.has(entry.verdict) ? entry : null;
}

/** What the report says of a candidate; what it does not say clearly is inconclusive, never a pass. */
function verdictOf(value: unknown, { promotionId, experiment, searchScore }: Candidate): CandidateVerdict {
  const entry = entryOf(value, promotionId);
  const gain = typeof entry?.gain === 'number' ? entry.gain : null;
  const unsaid = entry === null || (entry.verdict === 'accept' && gain === null);
  const reason = typeof entry?.reason === 'string' ? entry.reason.slice(0, 500) : 'by the external program';
  return {
    promotionId,
    experiment,
    verdict: unsaid ? 'inconclusive' : (entry.verdict as Verdict),
    reason: unsaid ? 'the external report gives no verdict and gain of it' : reason,
    gain: gain ?? 0,
    low: null,
    high: null,
    detectable: null,
    searchScore,
    pValue: Number.NaN,
    comparisons: [],
  };
}

/**
 * The report that an external program signed under the id it was given: `{"verdicts": [{"promotion_id", "verdict",
 * "reason", "gain"}]}`. Of a report of another form every candidate is inconclusive.
 * @throws KLR_E_SIGNAL_INVALID, KLR_E_REPORT_CHANGED
 */
export function readExternalReport(
  ctx: Pick<Context, 'fs' | 'paths'>,
  request: Pick<EpochRequest, 'id' | 'candidates'>,
): ExternalReport {
  const { id, candidates } = request;
  const { report, sha256 } = readSignal(ctx, id);
  const changed = (why: string) =>
    new KlorosError('KLR_E_REPORT_CHANGED', `the report of epoch ${id} ${why}`, { where: report });
  if (!isAbsolute(report)) throw changed('has no absolute path');
  const read = readDropped(ctx.fs, report, { maxBytes: REPORT_MAX });
  if (!read.ok) throw changed(`cannot be read: ${read.reason}`);
  if (read.sha256 !== sha256) throw changed('is not the one that was signalled');
  const parsed = parseStrictJson(read.text, { maxKeys: 100_000 });
  const value = parsed.ok ? parsed.value : null;
  return { text: read.text, sha256, verdicts: candidates.map((candidate) => verdictOf(value, candidate)) };
}

/** The row of an epoch that ended; its date is used, whatever it came to. */
async function insertEpoch(
  tx: Database,
  ctx: Pick<Context, 'clock' | 'config'>,
  request: EpochRequest,
  end: {
    readonly state: 'done' | 'voided';
    readonly startedAt: number;
    readonly elapsedMs: number;
    readonly sha256: string | null;
  },
): Promise<void> {
  const { id, date, forced, seed, baseline } = request;
  await tx.run(
    `INSERT INTO epochs (id, date, zone, forced, state, plan, seed, baseline_version, started_at, ended_at, elapsed_ms,
       report, report_sha256)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    date,
    ctx.config.phase.window.zone,
    forced ? 1 : 0,
    end.state,
    JSON.stringify({ external: true, request }),
    seed,
    baseline.version,
    end.startedAt,
    ctx.clock.now(),
    Math.ceil(end.elapsedMs),
    end.sha256 === null ? null : reportPaths(id).report,
    end.sha256,
  );
  await addCounter(tx, 'kloros_phase_epochs_total', { result: end.state });
  await observe(tx, 'kloros_phase_epoch_duration_seconds', {}, end.elapsedMs / 1000);
}

/** Records an external epoch with its verdicts, and keeps its report; in one transaction with what follows from them. */
export async function endExternal(
  tx: Database,
  ctx: Pick<Context, 'clock' | 'config'>,
  request: EpochRequest,
  report: ExternalReport,
  times: { readonly startedAt: number; readonly elapsedMs: number },
): Promise<void> {
  const now = ctx.clock.now();
  const sha256 = sha256Hex(report.text);
  await insertEpoch(tx, ctx, request, { ...times, state: 'done', sha256 });
  for (const verdict of report.verdicts) await insertVerdict(tx, now, request.id, verdict);
  const data = {
    state: 'done',
    reason: 'the external program ended well',
    external: true,
    report_sha256: sha256,
  };
  await appendEvent(tx, { ts: now, kind: 'epoch.ended', subject: request.id, data });
  await owe(tx, now, reportPaths(request.id).report, report.text);
}

/** Records an external epoch that gave no evidence. Its date is used: it is not tried again before the next window. */
export async function voidExternal(
  tx: Database,
  ctx: Pick<Context, 'clock' | 'config'>,
  request: EpochRequest,
  reason: string,
  times: { readonly startedAt: number; readonly elapsedMs: number },
): Promise<void> {
  await insertEpoch(tx, ctx, request, { ...times, state: 'voided', sha256: null });
  const data = { state: 'voided', reason, external: true };
  await appendEvent(tx, { ts: ctx.clock.now(), kind: 'epoch.ended', subject: request.id, data });
}
