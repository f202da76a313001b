import type { Params } from '../config/parameters.ts';
import type { Experiment } from '../config/schema.ts';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import type { Demotions } from './autonomy.ts';
import { type Change, changesBetween } from './changes.ts';
import { flapsBackTo, overLimits } from './history.ts';
import type { PastVersion } from './types.ts';

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

/** What went before a change. */
export interface Past {
  /** ms since the epoch. */
  readonly now: number;
  readonly demotions: Demotions;
  /** Oldest first, up to the one in force. */
  readonly versions: readonly PastVersion[];
}

const NOTHING_BEFORE: Past = { now: 0, demotions: new Map(), versions: [] };

/** Why a person has to decide, and what is to be frozen until one raises it. */
export interface EscrowFindings {
  readonly reasons: readonly string[];
  /** Parameters that flap. */
  readonly flapping: readonly string[];
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
  if (autonomy === 'frozen') reasons.push(`${name} is frozen until a person raises its autonomy`);
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

function experimentOf(ctx: Pick<Context, 'config'>, { experiment: name, promotionId }: ProposedChange) {
  const { experiments } = ctx.config;
  const experiment = Object.hasOwn(experiments, name) ? experiments[name] : undefined;
  if (experiment !== undefined) return experiment;
  throw new KlorosError('KLR_E_NOT_FOUND', `no experiment ${name}`, { where: promotionId });
}

/** What the history of each parameter says against the change: too many steps lately, or back and forth. */
function reasonsOfHistory(
  ctx: Pick<Context, 'config'>,
  experiment: Experiment,
  changes: readonly Change[],
  { now, demotions, versions }: Past,
): EscrowFindings {
  const reasons: string[] = [];
  const flapping: string[] = [];
  for (const { name, to, step_share: step } of changes) {
    const parameter = experiment.parameters[name];
    if (!parameter) continue;
    reasons.push(...overLimits(parameter, name, step, versions, now));
    const { flap_versions: within } = ctx.config.escrow;
    const back = flapsBackTo(parameter, name, to, versions, within, demotions.get(name));
    if (back === null) continue;
    flapping.push(name);
    reasons.push(`${name} flaps: it would go back to what it was in v${back}, and is frozen`);
  }
  return { reasons, flapping };
}

/**
 * Why a person has to decide on an accepted promotion, in words; none when it may go on alone. A person decides on a
 * parameter that is risky, on one that is proposed only, on a step beyond its max_step or beyond what a day or a week
 * may add up to, on one that flaps, and where a rule of the configuration says so or cannot be evaluated.
 * @throws KLR_E_NOT_FOUND for an experiment that is not configured
 */
export async function escrowFindings(
  ctx: Pick<Context, 'config'>,
  proposed: ProposedChange,
  past: Past = NOTHING_BEFORE,
): Promise<EscrowFindings> {
  const experiment = experimentOf(ctx, proposed);
  const changes = changesBetween(experiment, proposed.from, proposed.to, past.demotions);
  const variables = {
    changes,
    risky: changes.some((change) => change.risky),
    gain: proposed.gain,
    experiment: proposed.experiment,
    source: proposed.source,
  };
  const history = reasonsOfHistory(ctx, experiment, changes, past);
  const ofRules = await reasonsOfRules(ctx, variables);
  const reasons = [...changes.flatMap(reasonsOfParameter), ...history.reasons, ...ofRules];
  return { reasons, flapping: history.flapping };
}
