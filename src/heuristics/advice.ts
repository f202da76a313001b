import type { Experiment, Parameter } from '../config/schema.ts';
import type { Context } from '../context.ts';
import { type Accepted, type Learned, readLearned } from './state.ts';
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

/** Where the next cycle should look, from what was learned. Pure. */
export function advise(experiment: Experiment, learned: Learned): SearchAdvice {
  const points = learned.accepted.map((a) => a.params).toReversed();
  if (points.length === 0)
    return { points, focus: null, reason: 'nothing was accepted yet: the whole space' };
  if (learned.barren >= BARREN)
    return { points, focus: null, reason: `${learned.barren} cycles without a gain: the whole space again` };
  const focus = focusAround(experiment, learned.accepted);
  if (focus === null) return { points, focus, reason: 'what was accepted spans the whole space' };
  const names = Object.keys(focus).join(', ');
  return { points, focus, reason: `around ${points.length} accepted: ${names}` };
}

/** Where the next cycle of `experiment` should look. */
export async function adviseSearch(
  ctx: Pick<Context, 'db' | 'config'>,
  experiment: string,
): Promise<SearchAdvice> {
  const config = ctx.config.experiments[experiment];
  if (!config) return { points: [], focus: null, reason: 'unknown experiment' };
  return advise(config, await readLearned(ctx.db, experiment));
}
