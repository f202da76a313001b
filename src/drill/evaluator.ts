import type { Params } from '../config/parameters.ts';
import type { Experiment, Guardrail, Objective } from '../config/schema.ts';
import { Prng } from '../dream/prng.ts';
import { canonicalJson, sha256Hex } from '../store/json.ts';
import type { Clock } from '../time/clock.ts';
import type { Executor } from '../trial/types.ts';

/** What a planted configuration does. `plain` is a little worse than the baseline: a search finds nothing in it. */
export type Behaviour = 'baseline' | 'better' | 'regressor' | 'cheater' | 'lucky' | 'plain';

/** Level of a metric that nothing bounds. */
const LEVEL = 100;
/** Relative gain on the objective; the lucky one has its luck in its first measurements alone. */
const GAIN: Readonly<Record<Behaviour, number>> = {
  baseline: 0,
  better: 0.3,
  regressor: -0.15,
  cheater: 0.3,
  lucky: -0.02,
  plain: -0.05,
};
const LUCK = { gain: 0.5, measurements: 2 };
/** Half the width of the noise, as a share. */
const NOISE = 0.02;

const better = (direction: Objective['direction'], level: number, gain: number) =>
  direction === 'maximize' ? level * (1 + gain) : level / (1 + gain);

/** A value on the good (1) or bad (-1) side of the guardrail's limit, well away from it; the level where it has none. */
function besideLimit({ limit, direction }: Guardrail, side: 1 | -1): number {
  if (limit === undefined) return LEVEL;
  const away = Math.max(1, Math.abs(limit)) / 2;
  return limit + (direction === 'maximize' ? away : -away) * side;
}

function guarded(guardrail: Guardrail, broken: boolean): number {
  const level = besideLimit(guardrail, 1);
  if (!broken) return level;
  if (guardrail.max_regression === undefined) return besideLimit(guardrail, -1);
  const step = Math.abs(level) * (2 * guardrail.max_regression + 0.5);
  return guardrail.direction === 'maximize' ? level - step : level + step;
}

export const keyOf = (params: Params): string => canonicalJson(params);

/**
 * An executor that measures nothing: the metrics of an experiment, with noise from the trial's seed, as the behaviours
 * of the configurations say. In this process, so that a drill needs neither the target nor its time.
 */
export function syntheticExecutor(
  experiment: Experiment,
  behaviours: ReadonlyMap<string, Behaviour>,
  clock: Clock,
): Executor {
  const measured = new Map<string, number>();
  const metricsOf = (params: Params, seed: number): Record<string, number> => {
    const key = keyOf(params);
    const behaviour = behaviours.get(key) ?? 'plain';
    const times = measured.get(key) ?? 0;
    measured.set(key, times + 1);
    const gain = behaviour === 'lucky' && times < LUCK.measurements ? LUCK.gain : GAIN[behaviour];
    const random = new Prng(seed, Number.parseInt(sha256Hex(key).slice(0, 8), 16));
    const noisy = (value: number) => value * (1 + NOISE * (random.next() + random.next() - 1));
    const [first] = experiment.guardrails;
    return Object.fromEntries([
      ...experiment.objectives.map((o) => [o.metric, noisy(better(o.direction, LEVEL, gain))] as const),
      ...experiment.guardrails.map(
        (g) => [g.metric, noisy(guarded(g, g === first && behaviour === 'cheater'))] as const,
      ),
    ]);
  };
  return {
    slots: 1,
    run: async ({ params, seed }) => ({
      state: 'completed',
      metrics: metricsOf(params, seed),
      steps: [],
      outputTail: '',
      startedAt: clock.now(),
      durationMs: 1,
    }),
  };
}
