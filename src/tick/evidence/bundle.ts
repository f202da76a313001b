import { baselineAt, getBaseline } from '../../baseline/current.ts';
import type { Baseline } from '../../baseline/types.ts';
import type { Context } from '../../context.ts';
import { KlorosError } from '../../errors.ts';
import { getEntry } from '../../escrow/entries.ts';
import type { EscrowEntry } from '../../escrow/types.ts';
import { type EpochPlan, type EpochTrial, loadEpoch } from '../../phase/epoch-store.ts';
import { readVerdicts, showEpoch, type VerdictRecord } from '../../phase/records.ts';
import { verifySignal } from '../../phase/signal.ts';
import { getPromotion } from '../../promotion/records.ts';
import type { Promotion } from '../../promotion/types.ts';
import type { Row } from '../../store/database.ts';
import { canonicalJson, fromJson, sha256Hex } from '../../store/json.ts';
import { type LedgerEvent, readEvents } from '../../store/ledger.ts';
import { VERSION } from '../../version.ts';

/** The epoch that accepted a change, with all that its verdicts follow from. */
export interface EpochEvidence {
  readonly id: string;
  readonly plan: EpochPlan;
  readonly measurements: readonly EpochTrial[];
  /** report.json, byte for byte. */
  readonly report: string;
  readonly reportSha256: string;
  readonly verdicts: readonly VerdictRecord[];
}

/** The search that proposed it. */
export interface CycleEvidence {
  readonly id: string;
  readonly sampler: string;
  readonly seed: number;
  readonly configHash: string;
  readonly request: unknown;
  readonly result: unknown;
  readonly trials: readonly Row[];
}

/** All that put one version of the baseline into force, in one document that needs no home to be checked. */
export interface Evidence {
  readonly schema: 'kloros.evidence/v1';
  /** The program that wrote it; another version may compute other verdicts. */
  readonly program: string;
  readonly baseline: Omit<Baseline, 'applyState' | 'appliedAt'>;
  /** What it replaced; version 0 is what the configuration declared. */
  readonly previous: Pick<Baseline, 'version' | 'manifestSha256' | 'params'>;
  readonly promotion: Promotion | null;
  readonly cycle: CycleEvidence | null;
  readonly epoch: EpochEvidence | null;
  readonly approval: EscrowEntry | null;
  /** The events of the ledger that tell of any of these, oldest first. */
  readonly events: readonly LedgerEvent[];
  /** Of all the above. */
  readonly sha256: string;
}

/** The hash over a bundle. */
export function evidenceSha256({
  sha256: _,
  ...rest
}: Evidence | (Omit<Evidence, 'sha256'> & { sha256?: string })): string {
  return sha256Hex(canonicalJson(rest));
}

async function epochEvidence(ctx: Context, id: string): Promise<EpochEvidence> {
  const { plan, trials } = await loadEpoch(ctx.db, id);
  const { reportSha256 } = await showEpoch(ctx.db, id);
  const { text } = await verifySignal(ctx, id);
  const verdicts = await readVerdicts(ctx.db, id);
  return { id, plan, measurements: trials, report: text, reportSha256: reportSha256 ?? '', verdicts };
}

async function cycleEvidence({ db }: Context, id: string): Promise<CycleEvidence | null> {
  const row = await db.get('SELECT sampler, seed, config_hash, request, result FROM cycles WHERE id = ?', id);
  if (!row) return null;
  return {
    id,
    sampler: String(row.sampler),
    seed: Number(row.seed),
    configHash: String(row.config_hash),
    request: fromJson(row.request),
    result: row.result === null ? null : fromJson(row.result),
    trials: await db.all('SELECT * FROM trials WHERE owner = ? ORDER BY number', id),
  };
}

async function eventsOf(
  { db }: Context,
  subjects: readonly (string | null | undefined)[],
): Promise<LedgerEvent[]> {
  const found: LedgerEvent[] = [];
  for (const subject of new Set(subjects)) if (subject) found.push(...(await readEvents(db, { subject })));
  return found.toSorted((a, b) => a.seq - b.seq);
}

/**
 * Everything that put a version into force.
 * @throws KLR_E_NOT_FOUND; KLR_E_SIGNAL_INVALID, KLR_E_REPORT_CHANGED when the report is not the one that was signed
 */
export async function collectEvidence(ctx: Context, version: number): Promise<Evidence> {
  const found = await getBaseline(ctx.db, version);
  if (!found)
    throw new KlorosError('KLR_E_NOT_FOUND', `there is no baseline v${version}`, {
      hint: 'See `kloros baseline log` for the versions.',
    });
  const { applyState: _, appliedAt: __, ...baseline } = found;
  const { promotionId, epochId, escrowId } = baseline;
  const before = (await getBaseline(ctx.db, version - 1)) ?? (await baselineAt(ctx.db, ctx.config, 0));
  const promotion = promotionId === null ? null : await getPromotion(ctx.db, promotionId);
  const cycleId = typeof promotion?.detail.cycle === 'string' ? promotion.detail.cycle : null;
  const bundle = {
    schema: 'kloros.evidence/v1',
    program: VERSION,
    baseline,
    previous: {
      version: before?.version ?? 0,
      manifestSha256: before?.manifestSha256 ?? '',
      params: before?.params ?? {},
    },
    promotion,
    cycle: cycleId === null ? null : await cycleEvidence(ctx, cycleId),
    epoch: epochId === null ? null : await epochEvidence(ctx, epochId),
    approval: escrowId === null ? null : await getEntry(ctx.db, escrowId),
    events: await eventsOf(ctx, [String(version), promotionId, cycleId, epochId, escrowId]),
  } as const;
  return { ...bundle, sha256: evidenceSha256(bundle) };
}
