import { join } from 'node:path';
import { showValue } from '../config/parameters.ts';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { readDropped } from '../files/read-safe.ts';
import { isSafeId } from '../files/safe-id.ts';
import { parseStrictJson } from '../files/strict-json.ts';
import type { Database } from '../store/database.ts';
import { owe } from '../store/outbox.ts';
import { reportPaths } from './report.ts';

/** A report of thousands of comparisons is smaller than this, bytes. */
export const REPORT_MAX = 16 * 2 ** 20;

/** What `klr_phase_complete_<epoch>.json` says. */
export interface Signal {
  readonly epochId: string;
  /** Path of the report. */
  readonly report: string;
  /** Of the report's bytes. */
  readonly sha256: string;
}

/**
 * Owes both signals of an epoch. Owe the report before: files are written in the order of owing, so that a signal never
 * stands without its report.
 */
export async function oweSignals(
  tx: Database,
  ctx: Pick<Context, 'paths' | 'clock'>,
  epochId: string,
  sha256: string,
): Promise<void> {
  const now = ctx.clock.now();
  const name = `signals/klr_phase_complete_${epochId}`;
  const report = join(ctx.paths.root, reportPaths(epochId).report);
  const text = JSON.stringify({ epoch_id: epochId, report, sha256, ts: Math.floor(now / 1000) });
  await owe(tx, now, `${name}.json`, `${text}\n`);
  await owe(tx, now, name, '');
}

function invalid(epochId: string, why: string): KlorosError {
  return new KlorosError('KLR_E_SIGNAL_INVALID', `the signal of epoch ${epochId} ${why}`, { where: epochId });
}

/** Both files of a signal, which have to agree; the report is not looked at. @throws KLR_E_SIGNAL_INVALID */
export function readSignal(ctx: Pick<Context, 'fs' | 'paths'>, epochId: string): Signal {
  if (!isSafeId(epochId)) throw invalid(showValue(epochId), 'has no usable name');
  const touch = join(ctx.paths.signals, `klr_phase_complete_${epochId}`);
  const file = readDropped(ctx.fs, `${touch}.json`);
  if (!file.ok) throw invalid(epochId, `cannot be read: ${file.reason}`);
  const empty = readDropped(ctx.fs, touch);
  if (!empty.ok) throw invalid(epochId, `is not complete: ${empty.reason}`);
  const parsed = parseStrictJson(file.text);
  if (!parsed.ok) throw invalid(epochId, `is no JSON: ${parsed.reason}`);
  const value = parsed.value as Partial<Record<string, unknown>> | null;
  const { epoch_id: id, report, sha256 } = value ?? {};
  if (id !== epochId) throw invalid(epochId, 'names another epoch');
  if (typeof report !== 'string' || typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256))
    throw invalid(epochId, 'names no report and its SHA-256');
  return { epochId, report, sha256 };
}

/**
 * Reads an epoch's signal and checks that the report beside it is the one that was signed, here and in the ledger.
 * The report is read from its place in the home, whatever path the signal names.
 * @returns the signal and the text of the report
 * @throws KLR_E_SIGNAL_INVALID, KLR_E_REPORT_CHANGED
 */
export async function verifySignal(
  ctx: Pick<Context, 'fs' | 'paths' | 'db'>,
  epochId: string,
): Promise<Signal & { readonly text: string }> {
  const signal = readSignal(ctx, epochId);
  const path = join(ctx.paths.root, reportPaths(epochId).report);
  const changed = (why: string) =>
    new KlorosError('KLR_E_REPORT_CHANGED', `the report of epoch ${epochId} ${why}`, { where: path });
  const report = readDropped(ctx.fs, path, { maxBytes: REPORT_MAX });
  if (!report.ok) throw changed(`cannot be read: ${report.reason}`);
  if (report.sha256 !== signal.sha256) throw changed('is not the one that was signalled');
  const row = await ctx.db.get<{ report_sha256: string | null }>(
    'SELECT report_sha256 FROM epochs WHERE id = ?',
    epochId,
  );
  if (row?.report_sha256 !== signal.sha256) throw changed('and its signal are not the ones in the ledger');
  return { ...signal, text: report.text };
}
