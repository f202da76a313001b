import type { Params } from '../config/parameters.ts';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { type Change, changesBetween } from './changes.ts';

/** An accepted promotion as the rules see it. */
export interface ProposedChange {
  readonly promotionId: string;
  readonly experiment: string;
  /** Complete configurations of the experiment: in force, and as it would be. */
  readonly from: Params;
  readonly to: Params;
  /** Relative gain that PHASE validated. */
  readonly gain: number;
  readonly source: 'dream' | 'external';
}

const percent = (share: number) => `${Math.round(share * 1000) / 10} %`;

/** What the parameters themselves ask for, whatever the rules say. */
function reasonsOfParameter(change: Change): string[] {
  const { name, step_share: step, max_step: most, autonomy, risky } = change;
  const reasons: string[] = [];
  if (risky) reasons.push(`${name} is named risky`);
  if (autonomy === 'off' || autonomy === 'observe' || autonomy === 'propose')
    reasons.push(`${name} is changed by a person only (${autonomy})`);
  if (most !== null && step > most)
    reasons.push(`the step of ${name}, ${percent(step)} of its range, is beyond ${percent(most)}`);
  if (autonomy === 'guarded' && most === null)
    reasons.push(`${name} is guarded, and no max_step says which steps may go alone`);
  return reasons;
}

async function reasonsOfRules(ctx: Pick<Context, 'config'>, variables: Record<string, unknown>) {
  const { rules } = ctx.config.escrow;
  if (rules.length === 0) return [];
  const { compileExpression, ESCROW_VARIABLES } = await import('../config/constraints.ts');
  return rules.flatMap(({ when, reason }) => {
    try {
      return compileExpression(when, ESCROW_VARIABLES)(variables) ? [reason] : [];
    } catch (error) {
      // A rule that cannot say no has not said no.
      return [`the rule "${reason}" could not be evaluated: ${(error as Error).message}`];
    }
  });
}

/**
 * Why a person has to decide on an accepted promotion, in words; none when it may go on alone. A person decides on a
 * parameter that is risky, on one that is proposed only, on a step beyond its max_step, and where a rule of the
 * configuration says so or cannot be evaluated.
 * @throws KLR_E_NOT_FOUND for an experiment that is not configured
 */
export async function escrowReasons(
  ctx: Pick<Context, 'config'>,
  proposed: ProposedChange,
): Promise<string[]> {
  const experiment = Object.hasOwn(ctx.config.experiments, proposed.experiment)
    ? ctx.config.experiments[proposed.experiment]
    : undefined;
  if (experiment === undefined)
    throw new KlorosError('KLR_E_NOT_FOUND', `no experiment ${proposed.experiment}`, {
      where: proposed.promotionId,
    });
  const changes = changesBetween(experiment, proposed.from, proposed.to);
  const variables = {
    changes,
    risky: changes.some((change) => change.risky),
    gain: proposed.gain,
    experiment: proposed.experiment,
    source: proposed.source,
  };
  return [...changes.flatMap(reasonsOfParameter), ...(await reasonsOfRules(ctx, variables))];
}
