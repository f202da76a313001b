import { join } from 'node:path';
import type { Context } from '../context.ts';
import { addCounter, setGauge } from '../metrics/counters.ts';
import type { Database } from '../store/database.ts';
import { sha256Hex } from '../store/json.ts';
import { appendEvent } from '../store/ledger.ts';
import { deliverOutbox, owe } from '../store/outbox.ts';
import { type EpochPlan, loadEpoch, updateRunning } from './epoch-store.ts';
import { syncEpochsLedger } from './epochs-ledger.ts';
import type { Race } from './race.ts';
import { showEpoch } from './records.ts';
import { buildReport, optimism, reportPaths } from './report.ts';
import { reportHtml } from './report-html.ts';
import { oweSignals } from './signal.ts';
import type { CandidateVerdict, EpochResult } from './types.ts';

/** How an epoch ends without verdicts, or pauses: the row and the event. @throws KLR_E_FENCED */
export async function endWithout(
  ctx: Context,
  id: string,
  result: Exclude<EpochResult, { state: 'done' }>,
  elapsedMs: number,
): Promise<EpochResult> {
  const now = ctx.clock.now();
  const paused = result.state === 'paused';
  const row = result.state === 'timeout' ? 'failed' : result.state;
  await ctx.db.transaction(async (tx) => {
    await updateRunning(
      tx,
      id,
      'elapsed_ms = ?, ended_at = ?, state = ?',
      Math.ceil(elapsedMs),
      paused ? null : now,
      row,
    );
    const data = { state: result.state, reason: result.reason, elapsed_ms: Math.ceil(elapsedMs) };
    await appendEvent(tx, { ts: now, kind: paused ? 'epoch.paused' : 'epoch.ended', subject: id, data });
  });
  if (result.state === 'voided') await syncEpochsLedger(ctx);
  return result;
}

/** Inside the transaction that ends an epoch: a verdict, its event, its count. */
export async function insertVerdict(
  tx: Database,
  now: number,
  id: string,
  v: CandidateVerdict,
): Promise<void> {
  await tx.run(
    `INSERT INTO verdicts (epoch_id, promotion_id, verdict, reason, statistics, ts) VALUES (?, ?, ?, ?, ?, ?)`,
    id,
    v.promotionId,
    v.verdict,
    v.reason,
    JSON.stringify({ ...v, optimism: optimism(v) }),
    now,
  );
  const { gain, low, high, pValue, searchScore } = v;
  await appendEvent(tx, {
    ts: now,
    kind: 'verdict.given',
    subject: v.promotionId,
    experiment: v.experiment,
    data: {
      epoch: id,
      verdict: v.verdict,
      reason: v.reason,
      gain,
      low,
      high,
      p_value: pValue,
      search_score: searchScore,
      optimism: optimism(v),
    },
  });
  await addCounter(tx, 'kloros_phase_verdicts_total', { experiment: v.experiment, verdict: v.verdict });
}

async function countCalibrations(tx: Database, race: Race): Promise<void> {
  for (const c of race.calibrations()) {
    const labels = { experiment: c.experiment };
    await addCounter(tx, 'kloros_phase_calibrations_total', labels);
    await addCounter(tx, 'kloros_phase_false_positives_total', labels, c.falsePositive ? 1 : 0);
    if (c.detectable !== null) await setGauge(tx, 'kloros_phase_detectable_gain', labels, c.detectable);
  }
}

/**
 * Ends an epoch with its verdicts: they, the row, the events, the report and both signals in one transaction; the files
 * are written after it.
 * @throws KLR_E_FENCED
 */
export async function endWithVerdicts(
  ctx: Context,
  id: string,
  plan: EpochPlan,
  race: Race,
  ended: { readonly reason: string; readonly elapsedMs: number },
): Promise<EpochResult> {
  const now = ctx.clock.now();
  const { startedAt, trials } = await loadEpoch(ctx.db, id);
  const verdicts = race.verdicts();
  const zone = ctx.config.phase.window.zone;
  const source = { id, plan, zone, startedAt, endedAt: now, ...ended, race, verdicts, trials };
  const { report, text, measurements } = buildReport(source);
  const paths = reportPaths(id);
  const reportSha256 = sha256Hex(text);
  ctx.fs.mkdirSync(join(ctx.paths.phase, id), { recursive: true, mode: 0o700 });
  await ctx.db.transaction(async (tx) => {
    await updateRunning(
      tx,
      id,
      "elapsed_ms = ?, ended_at = ?, report = ?, report_sha256 = ?, state = 'done'",
      report.elapsed_ms,
      now,
      paths.report,
      reportSha256,
    );
    for (const verdict of verdicts) await insertVerdict(tx, now, id, verdict);
    const data = { state: 'done', reason: ended.reason, report_sha256: reportSha256, trials: trials.length };
    await appendEvent(tx, { ts: now, kind: 'epoch.ended', subject: id, data });
    await countCalibrations(tx, race);
    await owe(tx, now, paths.measurements, measurements);
    await owe(tx, now, paths.html, reportHtml(report));
    await owe(tx, now, paths.report, text);
    await oweSignals(tx, ctx, id, reportSha256);
  });
  await deliverOutbox(ctx);
  await syncEpochsLedger(ctx);
  return { state: 'done', reason: ended.reason, verdicts, report: paths.report, reportSha256 };
}

/** The end of an epoch that is done, as it was first returned. @throws KLR_E_NOT_FOUND */
export async function readEnd(db: Database, id: string): Promise<EpochResult> {
  const { report, reportSha256, verdicts, reason } = await showEpoch(db, id);
  return {
    state: 'done',
    reason: reason ?? '',
    verdicts: verdicts.map(({ statistics }) => statistics as CandidateVerdict),
    report: report ?? '',
    reportSha256: reportSha256 ?? '',
  };
}
