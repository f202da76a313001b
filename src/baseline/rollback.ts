import { checkParams } from '../config/parameters.ts';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import type { HeldLock } from '../lock/types.ts';
import { addCounter } from '../metrics/counters.ts';
import type { Database } from '../store/database.ts';
import { canonicalJson, sha256Hex } from '../store/json.ts';
import { renderContent } from './content.ts';
import { baselineAt, currentBaseline, getBaseline, initialBaseline } from './current.ts';
import { insertNextVersion } from './next-version.ts';
import type { Baseline } from './types.ts';

export interface RollbackRequest {
  /** The version whose content comes back; 0 for what the configuration declares. Default: see `rollbackTarget`. */
  readonly to?: number | undefined;
  readonly actor: string;
  readonly reason: string;
}

/**
 * The version that a roll-back without a target restores: the one before the version in force. When that is itself a
 * roll-back, the one before the version that it restored, so that a second roll-back goes further back and never
 * brings back what the first one took away. 0, the defaults of the configuration, is the last.
 */
async function rollbackTarget(db: Database, current: Baseline): Promise<number> {
  let at: Baseline | null = current;
  while (at?.kind === 'rollback') {
    if (!at.restores) return 0;
    at = await getBaseline(db, at.restores);
  }
  return Math.max(0, (at?.version ?? 1) - 1);
}

/** The content and parameters of the version to restore; its stored bytes are trusted only when they match their hash. */
async function restored(
  tx: Database,
  ctx: Context,
  to: number,
): Promise<Pick<Baseline, 'content' | 'params'>> {
  if (to === 0) {
    const { params } = initialBaseline(ctx.config);
    return { params, content: renderContent(params) };
  }
  const old = await getBaseline(tx, to);
  if (!old) throw new KlorosError('KLR_E_NOT_FOUND', `there is no baseline v${to}`, { where: `v${to}` });
  if (sha256Hex(old.content) !== old.sha256 || renderContent(old.params) !== old.content)
    throw new KlorosError('KLR_E_BASELINE_DAMAGED', `the content of v${to} does not match its hash`, {
      where: `v${to}`,
    });
  return old;
}

/** What an old content would change is checked by the bounds of today, like a new one. */
async function checkBounds(tx: Database, ctx: Context, current: Baseline, to: number): Promise<void> {
  const seen = await baselineAt(tx, ctx.config, to);
  const problems = Object.entries(ctx.config.experiments).flatMap(([name, experiment]) => {
    const params = seen?.params[name] ?? {};
    if (canonicalJson(params) === canonicalJson(current.params[name])) return [];
    return checkParams(experiment, params).map(({ message }) => `${name}: ${message}`);
  });
  if (problems.length > 0)
    throw new KlorosError('KLR_E_BASELINE_REFUSED', problems.join('; '), {
      where: `v${to}`,
      hint: 'Nothing was rolled back. Choose another version with --to; 0 is what kloros.yaml declares.',
    });
}

export interface RollbackPlan {
  readonly current: Baseline;
  /** The version whose content comes back. */
  readonly to: number;
  readonly params: Baseline['params'];
  readonly content: string;
}

/**
 * What a roll-back would bring back, checked as the roll-back itself checks it; changes nothing.
 * @param db inside a transaction when it is to be carried out
 * @throws KLR_E_NOT_FOUND, KLR_E_BASELINE_REFUSED, KLR_E_BASELINE_DAMAGED
 */
export async function planRollback(
  db: Database,
  ctx: Context,
  wanted: number | undefined,
): Promise<RollbackPlan> {
  const current = await currentBaseline(db, ctx.config);
  if (current.version === 0)
    throw new KlorosError('KLR_E_NOT_FOUND', 'there is nothing to roll back: no version was committed yet', {
      hint: 'What kloros.yaml declares is in force; nothing was changed.',
    });
  const to = wanted ?? (await rollbackTarget(db, current));
  if (!Number.isSafeInteger(to) || to < 0 || to >= current.version)
    throw new KlorosError('KLR_E_NOT_FOUND', `v${to} is not a version before v${current.version}`, {
      where: `v${to}`,
      hint: 'See `kloros baseline log` for the versions that can be restored.',
    });
  const { params, content } = await restored(db, ctx, to);
  await checkBounds(db, ctx, current, to);
  return { current, to, params, content };
}

/**
 * Brings the content of an earlier version back into force, byte for byte, as a new version: numbers only grow and
 * the record of what was taken back stays. Files and apply follow as after a commit.
 * @throws KLR_E_FENCED, KLR_E_NOT_FOUND, KLR_E_BASELINE_REFUSED, KLR_E_BASELINE_DAMAGED; nothing is changed then
 */
export async function rollback(
  ctx: Context,
  lock: HeldLock,
  request: RollbackRequest,
  inTransaction?: (tx: Database, baseline: Baseline) => Promise<void>,
): Promise<Baseline> {
  return ctx.db.transaction(async (tx) => {
    const { to, params, content } = await planRollback(tx, ctx, request.to);
    const baseline = await insertNextVersion(
      tx,
      ctx,
      lock,
      {
        params,
        content,
        kind: 'rollback',
        restores: to,
        actor: request.actor,
        promotionId: null,
        epochId: null,
        escrowId: null,
        reason: request.reason,
      },
      null,
    );
    await addCounter(tx, 'kloros_baseline_commits_total', { kind: 'rollback' });
    await inTransaction?.(tx, baseline);
    return baseline;
  });
}
