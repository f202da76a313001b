import { checkParams, type Params, showValue } from '../config/parameters.ts';
import type { Experiment } from '../config/schema.ts';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import type { HeldLock } from '../lock/types.ts';
import type { Promotion } from '../promotion/types.ts';
import type { Database } from '../store/database.ts';
import { canonicalJson } from '../store/json.ts';
import { renderContent } from './content.ts';
import { baselineAt, currentBaseline } from './current.ts';
import { insertNextVersion } from './next-version.ts';
import type { Baseline, CommitResult } from './types.ts';

export interface PromotionCommit {
  readonly promotion: Pick<Promotion, 'id' | 'experiment'>;
  /** The complete configuration that PHASE validated. */
  readonly params: Params;
  readonly epochId: string;
  readonly escrowId: string | null;
  readonly actor: string;
  /** The version against which it was validated. */
  readonly validatedAgainst: number;
}

const refuse = (message: string, where: string) =>
  new KlorosError('KLR_E_BASELINE_REFUSED', message, { where });

/** Parameters that may not be promoted, and whose value a commit would change. A parameter that only became active has its default. */
function heldBack(experiment: Experiment, before: Params, after: Params): string[] {
  return Object.entries(experiment.parameters)
    .filter(([name, { autonomy, default: start }]) => {
      if (autonomy !== 'off' && autonomy !== 'observe') return false;
      return name in after && after[name] !== (name in before ? before[name] : start);
    })
    .map(([name, { autonomy }]) => `${name} = ${showValue(after[name])} (autonomy: ${autonomy})`);
}

/** Fails closed, whatever was checked before: bounds, constraints and autonomy are looked at again at the commit itself. */
function checkContent(request: PromotionCommit, before: Params, experiment: Experiment): void {
  const problems = checkParams(experiment, request.params);
  if (problems.length > 0)
    throw refuse(problems.map(({ message }) => message).join('; '), request.promotion.id);
  const held = heldBack(experiment, before, request.params);
  if (held.length > 0) throw refuse(`may not be changed: ${held.join(', ')}`, request.promotion.id);
  if (canonicalJson(before) === canonicalJson(request.params))
    throw refuse('it changes nothing', request.promotion.id);
}

/** Nothing takes effect twice, and nothing without the verdict of the epoch that is named. */
async function checkPromotion(tx: Database, request: PromotionCommit): Promise<void> {
  const { id } = request.promotion;
  const done = await tx.get<{ version: number }>('SELECT version FROM baselines WHERE promotion_id = ?', id);
  if (done) throw refuse(`it is baseline v${done.version} already`, id);
  const verdict = await tx.get<{ verdict: string }>(
    'SELECT verdict FROM verdicts WHERE epoch_id = ? AND promotion_id = ?',
    request.epochId,
    id,
  );
  if (verdict?.verdict !== 'accept')
    throw refuse(`epoch ${request.epochId} did not accept it (${verdict?.verdict ?? 'no verdict'})`, id);
}

/** Why what was validated no longer holds: the experiment's configuration is another than the one it was compared with. */
async function movedSince(
  tx: Database,
  ctx: Context,
  request: PromotionCommit,
  current: Baseline,
  name: string,
): Promise<string | null> {
  const { validatedAgainst } = request;
  if (validatedAgainst === current.version) return null;
  const then = await baselineAt(tx, ctx.config, validatedAgainst);
  if (then && canonicalJson(then.params[name]) === canonicalJson(current.params[name])) return null;
  return `${name} moved from v${validatedAgainst} to v${current.version} since it was validated`;
}

/**
 * Commits a validated promotion as the next version, in one transaction with what `inTransaction` adds (its ACK, its
 * approval's use, its watch). The files are owed: `deliverOutbox` writes them, `applyBaseline` follows.
 * @throws KLR_E_FENCED (outrun, or the token committed already), KLR_E_BASELINE_REFUSED (out of bounds, not accepted,
 * not to be changed, or committed before), KLR_E_BASELINE_DAMAGED; nothing is changed then
 */
export async function commitPromotion(
  ctx: Context,
  lock: HeldLock,
  request: PromotionCommit,
  inTransaction?: (tx: Database, baseline: Baseline) => Promise<void>,
): Promise<CommitResult> {
  const name = request.promotion.experiment ?? '';
  const experiment = Object.hasOwn(ctx.config.experiments, name) ? ctx.config.experiments[name] : undefined;
  if (!experiment) throw refuse(`there is no experiment ${showValue(name)}`, request.promotion.id);
  return ctx.db.transaction(async (tx): Promise<CommitResult> => {
    await checkPromotion(tx, request);
    const current = await currentBaseline(tx, ctx.config);
    const moved = await movedSince(tx, ctx, request, current, name);
    if (moved) return { state: 'moved', reason: moved };
    checkContent(request, current.params[name] ?? {}, experiment);
    const params = { ...current.params, [name]: request.params };
    const baseline = await insertNextVersion(
      tx,
      ctx,
      lock,
      {
        params,
        content: renderContent(params),
        kind: 'promotion',
        restores: null,
        actor: request.actor,
        promotionId: request.promotion.id,
        epochId: request.epochId,
        escrowId: request.escrowId,
        reason: `promotion ${request.promotion.id}, accepted by epoch ${request.epochId}`,
      },
      name,
    );
    await inTransaction?.(tx, baseline);
    return { state: 'committed', baseline };
  });
}
