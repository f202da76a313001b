import type { Params } from '../config/parameters.ts';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { checkFence } from '../lock/fence.ts';
import type { HeldLock } from '../lock/types.ts';
import { setGauge } from '../metrics/counters.ts';
import type { Database } from '../store/database.ts';
import { canonicalJson, sha256Hex } from '../store/json.ts';
import { appendEvent } from '../store/ledger.ts';
import { getBaseline } from './current.ts';
import { currentFiles, oweFiles, versionFiles } from './files.ts';
import { manifestText, versionOfName } from './manifest.ts';
import type { Baseline } from './types.ts';

/** What the next version is made of. */
export interface NextVersion {
  readonly params: Readonly<Record<string, Params>>;
  readonly content: string;
  readonly kind: 'promotion' | 'rollback';
  readonly restores: number | null;
  readonly actor: string;
  readonly promotionId: string | null;
  readonly epochId: string | null;
  readonly escrowId: string | null;
  /** For the ledger: why, in words. */
  readonly reason: string;
}

/**
 * The newest version number that the files know. A database that knows less was lost or put back: going on would use
 * numbers a second time.
 */
function newestOnDisk(ctx: Context): number {
  const folder = ctx.paths.baselineVersions;
  if (!ctx.fs.existsSync(folder)) return 0;
  return ctx.fs.readdirSync(folder).reduce((newest, name) => Math.max(newest, versionOfName(name) ?? 0), 0);
}

/** Refuses a token that was outrun, or that committed already, and a chain that the files contradict. */
async function checkTurn(tx: Database, ctx: Context, lock: HeldLock, last: Baseline | null): Promise<void> {
  if (lock.name !== 'baseline')
    throw new KlorosError('KLR_E_INTERNAL', `a commit under the ${lock.name} lock`, { where: lock.name });
  await checkFence(tx, 'baseline', lock.token);
  if (last && lock.token <= last.token)
    throw new KlorosError(
      'KLR_E_FENCED',
      `token ${lock.token} of the baseline lock is not newer than ${last.token}, which committed v${last.version}`,
      { where: 'baseline' },
    );
  const onDisk = newestOnDisk(ctx);
  if (onDisk > (last?.version ?? 0))
    throw new KlorosError(
      'KLR_E_BASELINE_DAMAGED',
      `the files know version ${onDisk}, the database only ${last?.version ?? 0}`,
      { where: ctx.paths.baselineVersions },
    );
}

async function insertRow(tx: Database, b: Baseline): Promise<void> {
  await tx.run(
    `INSERT INTO baselines (version, sha256, previous_sha256, manifest_sha256, content, params, kind, restores, actor,
       promotion_id, epoch_id, escrow_id, token, ts, apply_state, applied_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    b.version,
    b.sha256,
    b.previousSha256,
    b.manifestSha256,
    b.content,
    canonicalJson(b.params),
    b.kind,
    b.restores,
    b.actor,
    b.promotionId,
    b.epochId,
    b.escrowId,
    b.token,
    b.ts,
    b.applyState,
    b.appliedAt,
  );
}

async function record(tx: Database, b: Baseline, experiment: string | null, reason: string): Promise<void> {
  await appendEvent(tx, {
    ts: b.ts,
    kind: 'baseline.committed',
    subject: String(b.version),
    experiment,
    data: {
      version: b.version,
      kind: b.kind,
      restores: b.restores,
      sha256: b.sha256,
      manifest_sha256: b.manifestSha256,
      previous_sha256: b.previousSha256,
      promotion_id: b.promotionId,
      epoch_id: b.epochId,
      escrow_id: b.escrowId,
      token: b.token,
      actor: b.actor,
      reason,
    },
  });
  await setGauge(tx, 'kloros_baseline_version', {}, b.version);
}

/**
 * Inside a transaction: the next version comes into force. What was owed to the target or watched of the versions
 * before is superseded by it.
 * @throws KLR_E_FENCED, KLR_E_BASELINE_DAMAGED
 */
export async function insertNextVersion(
  tx: Database,
  ctx: Context,
  lock: HeldLock,
  next: NextVersion,
  experiment: string | null,
): Promise<Baseline> {
  const top = await tx.get<{ version: number | null }>('SELECT MAX(version) AS version FROM baselines');
  const last = top?.version ? await getBaseline(tx, top.version) : null;
  await checkTurn(tx, ctx, lock, last);
  const { reason, ...rest } = next;
  const facts = {
    ...rest,
    version: (last?.version ?? 0) + 1,
    sha256: sha256Hex(next.content),
    previousSha256: last?.manifestSha256 ?? '',
    token: lock.token,
    ts: ctx.clock.now(),
  };
  const baseline: Baseline = {
    ...facts,
    manifestSha256: sha256Hex(manifestText(facts)),
    applyState: 'owed',
    appliedAt: null,
  };
  await tx.run("UPDATE baselines SET apply_state = 'none' WHERE apply_state = 'owed'");
  await tx.run("UPDATE watches SET state = 'superseded' WHERE state = 'watching'");
  await insertRow(tx, baseline);
  await record(tx, baseline, experiment, reason);
  await oweFiles(tx, ctx, [...versionFiles(ctx.paths, baseline), ...currentFiles(ctx.paths, baseline)]);
  return baseline;
}
