import type { Experiment, Parameter } from '../config/schema.ts';
import type { Context } from '../context.ts';
import { inEnvironment } from './decay.ts';
import { type Accepted, type Environment, type Learned, readLearned } from './state.ts';
import { type Known, transferred } from './transfer.ts';
import type { SearchAdvice } from './types.ts';

/** The box reaches this share of the range beyond what was accepted, on both sides. */
const MARGIN = 0.25;
/** After so many cycles without a gain the whole space is searched again. */
const BARREN = 2;

type Range = { low: number; high: number };

/** The box around accepted values of one numeric parameter, in its own unit; null for the whole range. */
function focusOf(parameter: Parameter, values: readonly number[]): Range | null {
  if ((parameter.type !== 'float' && parameter.type !== 'int') || values.length === 0) return null;
  const to = (v: number) => (parameter.log ? Math.log(v) : v);
  const from = (v: number) => (parameter.log ? Math.exp(v) : v);
  const [low, high] = [to(parameter.low), to(parameter.high)];
  const margin = MARGIN * (high - low);
  const box = {
    low: Math.max(low, Math.min(...values.map(to)) - margin),
    high: Math.min(high, Math.max(...values.map(to)) + margin),
  };
  if (box.low <= low && box.high >= high) return null;
  return parameter.type === 'int'
    ? { low: Math.floor(from(box.low)), high: Math.ceil(from(box.high)) }
    : { low: from(box.low), high: from(box.high) };
}

function focusAround(experiment: Experiment, accepted: readonly Accepted[]): Record<string, Range> | null {
  const boxes = Object.entries(experiment.parameters).flatMap(([name, parameter]) => {
    const values = accepted.map((a) => a.params[name]).filter((v): v is number => typeof v === 'number');
    const box = focusOf(parameter, values);
    return box ? [[name, box] as const] : [];
  });
  return boxes.length > 0 ? Object.fromEntries(boxes) : null;
}

/**
 * Where the next cycle should look, from what was learned. Pure.
 * @param others what was learned of the other experiments: points of like ones are tried where nothing is known
 */
export function advise(
  experiment: Experiment,
  learned: Learned,
  others: readonly Known[] = [],
): SearchAdvice {
  const own = learned.accepted.map((a) => a.params).toReversed();
  if (own.length === 0) {
    const { points, from } = transferred(experiment, others);
    const also = from.length > 0 ? `, with points of ${from.join(', ')}` : '';
    return { points, focus: null, reason: `nothing was accepted yet: the whole space${also}` };
  }
  const points = own;
  const fresh = learned.accepted.filter((a) => !a.stale);
  if (fresh.length === 0)
    return {
      points,
      focus: null,
      reason: 'the environment changed since anything was accepted: the whole space',
    };
  if (learned.barren >= BARREN)
    return { points, focus: null, reason: `${learned.barren} cycles without a gain: the whole space again` };
  const focus = focusAround(experiment, fresh);
  if (focus === null) return { points, focus, reason: 'what was accepted spans the whole space' };
  const names = Object.keys(focus).join(', ');
  return { points, focus, reason: `around ${fresh.length} accepted: ${names}` };
}

/** What was learned of every other experiment. */
export async function knownOthers(ctx: Pick<Context, 'db' | 'config'>, experiment: string): Promise<Known[]> {
  const names = Object.keys(ctx.config.experiments).filter((name) => name !== experiment);
  return Promise.all(names.map(async (name) => ({ name, learned: await readLearned(ctx.db, name) })));
}

/**
 * Where the next cycle of `experiment` should look.
 * @param environment where it will measure: what was learned in another one counts for less
 */
export async function adviseSearch(
  ctx: Pick<Context, 'db' | 'config'>,
  experiment: string,
  environment: Environment,
): Promise<SearchAdvice> {
  const config = ctx.config.experiments[experiment];
  if (!config) return { points: [], focus: null, reason: 'unknown experiment' };
  const learned = inEnvironment(await readLearned(ctx.db, experiment), environment);
  return advise(config, learned, await knownOthers(ctx, experiment));
}
