import { canonicalJson } from '../store/json.ts';
import type { Baseline } from './types.ts';

/** What of a version its manifest tells: all but the manifest's own hash and how far the apply came. */
export type ManifestFacts = Pick<
  Baseline,
  | 'version'
  | 'sha256'
  | 'previousSha256'
  | 'kind'
  | 'restores'
  | 'actor'
  | 'promotionId'
  | 'epochId'
  | 'escrowId'
  | 'token'
  | 'ts'
>;

/** What a reader finds in manifest.json. */
export interface Manifest {
  readonly schema: 'kloros.baseline/v1';
  readonly version: number;
  /** SHA-256 of versions/baseline_vNNNN.yaml. */
  readonly sha256: string;
  /** SHA-256 of the manifest before this one; '' for version 1. */
  readonly previous_sha: string;
}

/** The bytes of a manifest: a function of its facts, so that they can be checked against the database at any time. */
export function manifestText(facts: ManifestFacts): string {
  return `${canonicalJson({
    schema: 'kloros.baseline/v1',
    version: facts.version,
    sha256: facts.sha256,
    previous_sha: facts.previousSha256,
    kind: facts.kind,
    restores: facts.restores,
    actor: facts.actor,
    promotion_ids: facts.promotionId === null ? [] : [facts.promotionId],
    phase_epoch: facts.epochId,
    escrow_id: facts.escrowId,
    fencing_token: facts.token,
    ts: new Date(facts.ts).toISOString(),
  })}\n`;
}

/** What a manifest says, or null when it is not a whole manifest. */
export function parseManifest(text: string): Manifest | null {
  try {
    const value = JSON.parse(text) as Partial<Manifest> | null;
    if (value?.schema !== 'kloros.baseline/v1') return null;
    const { schema, version, sha256, previous_sha } = value;
    if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) return null;
    if (typeof sha256 !== 'string' || typeof previous_sha !== 'string') return null;
    return { schema, version, sha256, previous_sha };
  } catch {
    return null;
  }
}

const digits = (version: number) => String(version).padStart(4, '0');

/** Name in baseline/versions/ of the content of a version. */
export const contentName = (version: number): string => `baseline_v${digits(version)}.yaml`;
/** Name in baseline/versions/ of the manifest of a version. */
export const manifestName = (version: number): string => `manifest_v${digits(version)}.json`;

/** The version that a name in baseline/versions/ belongs to, or null for other files. */
export function versionOfName(name: string): number | null {
  const match = /^(?:baseline_v(\d{4,})\.yaml|manifest_v(\d{4,})\.json)$/.exec(name);
  return match ? Number(match[1] ?? match[2]) : null;
}
