import type { Config, Experiment } from '../config/schema.ts';
import type { Learned } from './state.ts';
import type { Reflection } from './types.ts';

const DAY_MS = 86_400_000;
/** So many cycles in a row without a gain are stagnation. */
const STAGNANT = 3;

interface Seen {
  readonly name: string;
  readonly experiment: Experiment;
  readonly learned: Learned;
  readonly now: number;
  readonly rules: Config['reflection'];
}

/** Looks over what is known of one experiment; null when there is nothing to say. */
type Detector = (seen: Seen) => Reflection | null;

const dream = (name: string, cause: string, priority: number, reason: string): Reflection => ({
  type: 'trigger_dream',
  experiment: name,
  cause,
  reason,
  priority,
  data: { experiment: name },
});

const neverSearched: Detector = ({ name, learned }) =>
  learned.cycles === 0 ? dream(name, `never:${name}`, 4, `${name} was never searched`) : null;

const staleBaseline: Detector = ({ name, learned, now, rules }) => {
  if (learned.lastCycleAt === null || now - learned.lastCycleAt < rules.stale_baseline) return null;
  const days = Math.floor((now - learned.lastCycleAt) / DAY_MS);
  return dream(name, `stale:${name}:${learned.cycles}`, 3, `no cycle in ${name} for ${days} days`);
};

const stagnation: Detector = ({ name, learned }) =>
  learned.barren >= STAGNANT
    ? dream(
        name,
        `stagnation:${name}:${Math.floor(learned.barren / STAGNANT)}:${learned.accepted.length}`,
        2,
        `${learned.barren} cycles in a row found nothing in ${name}: one over the whole space`,
      )
    : null;

/** The same baseline version measures otherwise than it did when it was first measured. */
const drift: Detector = ({ name, experiment, learned, rules }) => {
  const last = learned.levels.at(-1);
  const first = learned.levels.find((l) => l.version === last?.version);
  const metric = experiment.objectives[0]?.metric;
  if (!last || !first || first === last || metric === undefined) return null;
  const [before, after] = [first.metrics[metric], last.metrics[metric]];
  if (before === undefined || after === undefined || before === 0) return null;
  const change = (after - before) / Math.abs(before);
  if (Math.abs(change) < rules.drift) return null;
  const percent = `${change > 0 ? '+' : ''}${(100 * change).toFixed(1)} %`;
  return dream(
    name,
    `drift:${name}:${last.version}:${last.ts}`,
    5,
    `${metric} of baseline v${last.version} moved by ${percent} since it was first measured (${before.toPrecision(4)} → ${after.toPrecision(4)})`,
  );
};

const DETECTORS: readonly Detector[] = [drift, neverSearched, staleBaseline, stagnation];

/** Everything that the detectors find, most urgent first. Pure. */
export function detect(seen: Seen): Reflection[] {
  return DETECTORS.map((detector) => detector(seen))
    .filter((r) => r !== null)
    .toSorted((a, b) => b.priority - a.priority);
}
