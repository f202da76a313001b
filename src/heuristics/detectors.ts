import type { Config, Experiment } from '../config/schema.ts';
import { environmentChanges } from './decay.ts';
import type { Environment, Learned } from './state.ts';
import type { Reflection } from './types.ts';

const DAY_MS = 86_400_000;
/** So many cycles in a row without a gain are stagnation. */
const STAGNANT = 3;
/** So many candidates in a row that one domain rejects are no chance. */
const REJECTING = 3;
/** The noise rose when it is so many times what it was in the middle of at least so many epochs before. */
const NOISE_ROSE = 2;
const NOISE_KNOWN = 3;

interface Seen {
  readonly name: string;
  readonly experiment: Experiment;
  readonly learned: Learned;
  readonly now: number;
  readonly rules: Config['reflection'];
  /** Where it would be measured now. */
  readonly environment: Environment;
}

/** Looks over what is known of one experiment; null when there is nothing to say. */
type Detector = (seen: Seen) => Reflection | null;

type Found = Pick<Reflection, 'cause' | 'priority' | 'reason' | 'evidence'>;

/** A search is asked for, with what was seen. */
const dream = (experiment: string, found: Found): Reflection => ({
  ...found,
  type: 'trigger_dream',
  experiment,
  data: { experiment, evidence: found.evidence },
});

const neverSearched: Detector = ({ name, learned }) =>
  learned.cycles === 0
    ? dream(name, { cause: `never:${name}`, priority: 4, reason: `${name} was never searched`, evidence: {} })
    : null;

const staleBaseline: Detector = ({ name, learned: { lastCycleAt }, now, rules }) => {
  if (lastCycleAt === null || now - lastCycleAt < rules.stale_baseline) return null;
  const days = Math.floor((now - lastCycleAt) / DAY_MS);
  const reason = `no cycle in ${name} for ${days} days`;
  return dream(name, {
    cause: `stale:${name}:${lastCycleAt}`,
    priority: 3,
    reason,
    evidence: { lastCycleAt },
  });
};

const stagnation: Detector = ({ name, learned: { barren, accepted } }) => {
  if (barren < STAGNANT) return null;
  return dream(name, {
    cause: `stagnation:${name}:${Math.floor(barren / STAGNANT)}:${accepted.length}`,
    priority: 2,
    reason: `${barren} cycles in a row found nothing in ${name}: one over the whole space`,
    evidence: { barren },
  });
};

/** What was validated was measured elsewhere: a search measures the baseline anew, and looks around it. */
const environmentChange: Detector = ({ name, learned, environment }) => {
  const changed = environmentChanges(learned.environment, environment);
  if (changed.length === 0) return null;
  const facts = changed.map(
    (fact) => [fact, { before: learned.environment?.[fact], now: environment[fact] }] as const,
  );
  return dream(name, {
    cause: `environment:${name}:${JSON.stringify(facts)}`,
    priority: 6,
    reason: `the environment of ${name} changed: ${changed.join(', ')}`,
    evidence: Object.fromEntries(facts),
  });
};

/** One domain turns down whatever is proposed: what is searched for does not hold there. */
const rejectingDomain: Detector = ({ name, learned: { rejectedIn, verdicts } }) => {
  const domain = rejectedIn.at(-1) ?? '';
  const streak = rejectedIn.length - 1 - rejectedIn.findLastIndex((d) => d !== domain);
  if (domain === '' || streak < REJECTING) return null;
  return dream(name, {
    // The same verdicts are one cause, however often they are looked at.
    cause: `domain:${name}:${domain}:${verdicts - (streak % REJECTING)}`,
    priority: 3,
    reason: `the last ${streak} candidates of ${name} were rejected in the domain ${domain}`,
    evidence: { domain, streak },
  });
};

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Epochs see less than they did: the baseline is measured against itself before the noise costs verdicts. */
const noiseRose: Detector = ({ name, learned: { noise } }) => {
  const last = noise.at(-1);
  const before = noise.slice(0, -1).map((n) => n.detectable);
  if (!last || before.length < NOISE_KNOWN || last.detectable <= NOISE_ROSE * median(before)) return null;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const evidence = { detectable: last.detectable, before: median(before) };
  return {
    type: 'trigger_phase',
    experiment: name,
    cause: `noise:${name}:${last.ts}`,
    priority: 4,
    reason: `the noise in ${name} rose: gains below ${percent(evidence.detectable)} are not seen any more (${percent(evidence.before)} before)`,
    evidence,
    data: { experiment: name, evidence },
  };
};

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
  return dream(name, {
    cause: `drift:${name}:${last.version}:${last.ts}`,
    priority: 5,
    reason: `${metric} of baseline v${last.version} moved by ${percent} since it was first measured (${before.toPrecision(4)} → ${after.toPrecision(4)})`,
    evidence: { version: last.version, metric, before, after },
  });
};

const DETECTORS: readonly Detector[] = [
  environmentChange,
  drift,
  noiseRose,
  neverSearched,
  staleBaseline,
  rejectingDomain,
  stagnation,
];

/** Everything that the detectors find, most urgent first. Pure. */
export function detect(seen: Seen): Reflection[] {
  return DETECTORS.map((detector) => detector(seen))
    .filter((r) => r !== null)
    .toSorted((a, b) => b.priority - a.priority);
}
