import { defaultParams, mergeParams, type Params } from '../config/parameters.ts';
import type { Config, Experiment } from '../config/schema.ts';
import type { Database } from '../store/database.ts';
import { fromJson } from '../store/json.ts';
import type { Baseline } from './types.ts';

export type BaselineRow = {
  version: number;
  sha256: string;
  previous_sha256: string;
  manifest_sha256: string;
  content: string;
  params: string;
  kind: string;
  restores: number | null;
  actor: string;
  promotion_id: string | null;
  epoch_id: string | null;
  escrow_id: string | null;
  token: number;
  ts: number;
  apply_state: string;
  applied_at: number | null;
};

/** A row of the table as a baseline. */
export function fromRow(row: BaselineRow): Baseline {
  return {
    version: row.version,
    sha256: row.sha256,
    manifestSha256: row.manifest_sha256,
    previousSha256: row.previous_sha256,
    content: row.content,
    params: fromJson(row.params),
    kind: row.kind as Baseline['kind'],
    restores: row.restores,
    actor: row.actor,
    promotionId: row.promotion_id,
    epochId: row.epoch_id,
    escrowId: row.escrow_id,
    token: row.token,
    ts: row.ts,
    applyState: row.apply_state as Baseline['applyState'],
    appliedAt: row.applied_at,
  };
}

/** Version 0: what the configuration declares, in force before anything was committed. */
export function initialBaseline(config: Pick<Config, 'experiments'>): Baseline {
  const params = Object.fromEntries(
    Object.entries(config.experiments).map(([name, experiment]) => [name, defaultParams(experiment)]),
  );
  return {
    version: 0,
    sha256: '',
    manifestSha256: '',
    previousSha256: '',
    content: '',
    params,
    kind: 'initial',
    restores: null,
    actor: 'configuration',
    promotionId: null,
    epochId: null,
    escrowId: null,
    token: 0,
    ts: 0,
    applyState: 'none',
    appliedAt: null,
  };
}

/** What was committed, seen through the configuration of today: a new parameter has its default, a gone one is left out. */
function inForce(experiment: Experiment, committed: Params | undefined): Params {
  const known = Object.entries(committed ?? {}).filter(([name]) =>
    Object.hasOwn(experiment.parameters, name),
  );
  return mergeParams(experiment, Object.fromEntries(known), {});
}

/** `baseline` with the complete configuration of every experiment that the configuration names, and no other. */
export function throughConfig(baseline: Baseline, config: Pick<Config, 'experiments'>): Baseline {
  const params = Object.fromEntries(
    Object.entries(config.experiments).map(([name, experiment]) => [
      name,
      inForce(experiment, baseline.params[name]),
    ]),
  );
  return { ...baseline, params };
}

/**
 * The baseline in force, with the complete configuration of each experiment of `config`. Version 0, the defaults,
 * when nothing was committed. `content` and the hashes are those that were committed.
 */
export async function currentBaseline(db: Database, config: Pick<Config, 'experiments'>): Promise<Baseline> {
  const row = await db.get<BaselineRow>('SELECT * FROM baselines ORDER BY version DESC LIMIT 1');
  return row ? throughConfig(fromRow(row), config) : initialBaseline(config);
}

/** A committed version as it was committed; null when there is none of that number (version 0 is never committed). */
export async function getBaseline(db: Database, version: number): Promise<Baseline | null> {
  const row = await db.get<BaselineRow>('SELECT * FROM baselines WHERE version = ?', version);
  return row ? fromRow(row) : null;
}

/** A version, 0 included, through the configuration of today; null when there is none of that number. */
export async function baselineAt(
  db: Database,
  config: Pick<Config, 'experiments'>,
  version: number,
): Promise<Baseline | null> {
  if (version === 0) return initialBaseline(config);
  const found = await getBaseline(db, version);
  return found && throughConfig(found, config);
}

/** Committed versions, newest first, at most `limit` (100). */
export async function listBaselines(
  db: Database,
  options: { readonly limit?: number; readonly before?: number } = {},
): Promise<Baseline[]> {
  const rows = await db.all<BaselineRow>(
    'SELECT * FROM baselines WHERE version < ? ORDER BY version DESC LIMIT ?',
    options.before ?? Number.MAX_SAFE_INTEGER,
    options.limit ?? 100,
  );
  return rows.map(fromRow);
}
