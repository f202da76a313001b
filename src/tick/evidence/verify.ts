import { isDeepStrictEqual } from 'node:util';
import { renderContent } from '../../baseline/content.ts';
import { manifestText } from '../../baseline/manifest.ts';
import { isUnchanged } from '../../escrow/entries.ts';
import type { ProposedChange } from '../../escrow/rules.ts';
import { recomputeVerdicts } from '../../phase/recompute.ts';
import { sha256Hex } from '../../store/json.ts';
import { hashOfEvent } from '../../store/ledger.ts';
import type { EpochEvidence, Evidence } from './bundle.ts';
import { evidenceSha256 } from './bundle.ts';

/** One thing that has to hold of a bundle. */
export interface EvidenceCheck {
  readonly check: string;
  readonly ok: boolean;
  /** What was found, in words. */
  readonly found: string;
}

/** Null when it holds, or what is wrong. */
type Check = (e: Evidence) => string | null;

const equal = (is: unknown, should: unknown, what: string) => (isDeepStrictEqual(is, should) ? null : what);

function committedBy({ baseline, events }: Evidence): string | null {
  const event = events.find((e) => e.kind === 'baseline.committed' && e.subject === String(baseline.version));
  if (!event) return 'the ledger does not tell of the commit';
  const { sha256, manifest_sha256: manifest, token } = event.data;
  const should = [baseline.sha256, baseline.manifestSha256, baseline.token];
  return equal([sha256, manifest, token], should, 'the ledger tells of another commit');
}

function chained({ baseline, previous }: Evidence): string | null {
  if (baseline.previousSha256 !== previous.manifestSha256) return 'it names another version before it';
  return sha256Hex(manifestText(baseline)) === baseline.manifestSha256
    ? null
    : 'the manifest has another hash';
}

function contained({ baseline }: Evidence): string | null {
  if (sha256Hex(baseline.content) !== baseline.sha256) return 'the content has another hash';
  return renderContent(baseline.params) === baseline.content ? null : 'the content holds other values';
}

/** The events are those of a ledger: each carries its own hash, and their numbers only grow. */
function recorded({ events }: Evidence): string | null {
  const changed = events.find((event) => hashOfEvent(event) !== event.hash);
  if (changed) return `event ${changed.seq} does not match its hash`;
  const disorder = events.find((event, i) => i > 0 && event.seq <= (events[i - 1]?.seq ?? 0));
  return disorder ? `event ${disorder.seq} is out of order` : null;
}

function proposed({ baseline, previous, promotion }: Evidence): string | null {
  if (!promotion) return baseline.promotionId === null ? null : 'the promotion is missing';
  const name = promotion.experiment ?? '';
  const others = (params: Evidence['baseline']['params']) =>
    Object.entries(params).filter(([n]) => n !== name);
  const now = baseline.params[name] ?? {};
  const differs = Object.entries(promotion.changes).find(([key, value]) => key in now && now[key] !== value);
  if (differs) return `${differs[0]} is not what was promoted`;
  const before = Object.fromEntries(others(previous.params));
  const changedOther = others(baseline.params).find(
    ([n, p]) => before[n] && !isDeepStrictEqual(before[n], p),
  );
  return changedOther ? `${changedOther[0]} changed as well` : null;
}

function signedReport(epoch: EpochEvidence): string | null {
  if (sha256Hex(epoch.report) !== epoch.reportSha256) return 'the report is not the one that was signed';
  const { candidates } = JSON.parse(epoch.report) as {
    candidates: { promotion_id: string; verdict: string }[];
  };
  const differs = epoch.verdicts.find(
    (v) => candidates.find((c) => c.promotion_id === v.promotionId)?.verdict !== v.verdict,
  );
  return differs ? `the report says otherwise of ${differs.promotionId}` : null;
}

function validated({ baseline, epoch }: Evidence): string | null {
  if (!epoch) return baseline.kind === 'promotion' ? 'the epoch is missing' : null;
  const verdict = epoch.verdicts.find((v) => v.promotionId === baseline.promotionId);
  if (verdict?.verdict !== 'accept') return `the verdict is ${verdict?.verdict ?? 'missing'}`;
  return signedReport(epoch);
}

/** Bit for bit, by the measurements in the bundle. */
function recomputed({ epoch }: Evidence): string | null {
  if (!epoch) return null;
  const verdicts = recomputeVerdicts({ plan: epoch.plan, trials: epoch.measurements });
  for (const verdict of verdicts) {
    const given = epoch.verdicts.find((v) => v.promotionId === verdict.promotionId)?.statistics ?? {};
    const { optimism: _, ...statistics } = given as typeof given & { optimism?: unknown };
    if (!isDeepStrictEqual(JSON.parse(JSON.stringify(verdict)), statistics))
      return `the measurements give another verdict on ${verdict.promotionId}: ${verdict.verdict}`;
  }
  return verdicts.length === epoch.verdicts.length ? null : 'there are verdicts without measurements';
}

function approved({ baseline, approval }: Evidence): string | null {
  if (!approval) return baseline.escrowId === null ? null : 'the approval is missing';
  if (approval.state !== 'used') return `the approval is ${approval.state}`;
  if (!isUnchanged(approval)) return 'the approval is of another change';
  const { to, experiment } = approval.document.change as ProposedChange;
  if (!isDeepStrictEqual(to, baseline.params[experiment]))
    return 'what was approved is not what was committed';
  return baseline.ts < approval.expiresAt ? null : 'the approval had expired';
}

const CHECKS: Readonly<Record<string, Check>> = {
  'the bundle is whole': (e) => (evidenceSha256(e) === e.sha256 ? null : 'its hash is another one'),
  'the content matches its hash': contained,
  'the manifest matches its hash and names the version before': chained,
  'the ledger tells of this commit': committedBy,
  'every event matches its hash': recorded,
  'the change is the one that was promoted': proposed,
  'an epoch accepted it, in a report that is signed': validated,
  'the measurements give the verdicts': recomputed,
  'the approval is of this change, in time and used once': approved,
};

/** Looks at everything that has to hold of a bundle; what is missing or malformed does not hold. Needs no home. */
export function verifyEvidence(document: unknown): EvidenceCheck[] {
  const evidence = document as Evidence;
  return Object.entries(CHECKS).map(([check, holds]) => {
    try {
      const wrong = holds(evidence);
      return { check, ok: wrong === null, found: wrong ?? 'holds' };
    } catch {
      return { check, ok: false, found: 'it is missing or malformed' };
    }
  });
}
