import type { Experiment, Guardrail, Objective } from '../config/schema.ts';
import {
  type Block,
  type Metrics,
  type Pair,
  type Paired,
  pairedIn,
  pairedRounds,
  pairsOf,
} from './blocks.ts';
import { type Direction, fromShare, pairedEffect, regressionBound, toShare } from './effect.ts';
import { type Evidence, estimate, pAbove } from './evidence.ts';
import type { Look } from './looks.ts';
import type { Place } from './scores.ts';
import type { Comparison } from './types.ts';

/** What decides on a candidate. */
export type Judged = Pick<Experiment, 'objectives' | 'guardrails'> & {
  readonly domains: Readonly<Record<string, { readonly weight: number }>>;
};

/** A comparison with what it is judged by, in log units. */
export interface Finding {
  readonly comparison: Comparison;
  readonly evidence: Evidence;
  readonly p: number;
  /** The effect lies below what is allowed, shown at the level. */
  readonly broken: boolean;
  /** Above it, shown. */
  readonly shown: boolean;
}

interface Question {
  readonly domain: string;
  readonly role: Comparison['role'];
  readonly against: Comparison['against'];
  readonly metric: string;
  readonly direction: Direction;
  /** What has to be exceeded, in log units. */
  readonly bound: number;
  readonly level: number;
  readonly look: Look;
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

const limit = (effect: number, direction: Direction): number | null =>
  Number.isFinite(effect) ? toShare(effect, direction) : null;

function percent(share: number): string {
  return `${share >= 0 ? '+' : ''}${Number((share * 100).toPrecision(3))} %`;
}

function words(q: Question, e: Evidence, state: 'shown' | 'broken' | 'open'): string {
  const [low, high] = [e.low, e.high].map((effect) => {
    const share = limit(effect, q.direction);
    return share === null ? '?' : percent(share);
  });
  const where = q.domain === '*' ? '' : ` in ${q.domain}`;
  const bound =
    q.against === 'limit'
      ? 'the limit'
      : q.bound === 0
        ? 'the baseline'
        : `${percent(toShare(q.bound, q.direction))} of the baseline`;
  const verb = { shown: 'is better than', broken: 'is worse than', open: 'is not shown to be better than' }[
    state
  ];
  return `${q.metric}${where} ${verb} ${bound}: ${percent(toShare(e.mean, q.direction))} (${low} to ${high}, ${e.n} pairs)`;
}

/** Where pairs lie; of a slice's blocks each second one mirrors the one before. `sign` -1: better is worse. */
function placesOf({ at }: Paired, { replicas }: Look, sign: 1 | -1): Place[] | undefined {
  return at?.map(({ level, round }) => ({
    level: sign * level,
    part: replicas === undefined ? round : round - ((round % replicas) % 2),
  }));
}

/** That the effect lies below the bound. */
function pBelow({ bound, look }: Question, paired: Paired): number {
  const turned = paired.differences.map((d) => -d);
  return pAbove(turned, -bound, look, placesOf(paired, look, -1));
}

function find(q: Question, paired: Paired, pairs: readonly Pair[]): Finding {
  const places = placesOf(paired, q.look, 1);
  const evidence = estimate(paired.differences, q.level, q.look, places);
  const p = pAbove(paired.differences, q.bound, q.look, places);
  const shown = p <= q.level;
  const broken = !shown && pBelow(q, paired) <= q.level;
  const state = shown ? 'shown' : broken ? 'broken' : 'open';
  const comparison: Comparison = {
    domain: q.domain,
    metric: q.metric,
    role: q.role,
    against: q.against,
    pairs: evidence.n,
    effect: toShare(evidence.mean, q.direction),
    low: limit(evidence.low, q.direction),
    high: limit(evidence.high, q.direction),
    pValue: p,
    baselineMean: mean(pairs.map(({ base }) => base)),
    candidateMean: mean(pairs.map(({ value }) => value)),
    ok: shown,
    reason: words(q, evidence, state),
  };
  return { comparison, evidence, p, broken, shown };
}

/** One candidate's measurements and the level that they are judged at. */
export interface Evaluated {
  readonly judged: Judged;
  readonly blocks: readonly Block[];
  readonly of: (block: Block) => Metrics | null | undefined;
  /** One-sided error of each comparison. */
  readonly level: number;
  readonly look: Look;
}

/** What only has to be no worse spends its error by its own shares. */
const guardLook = (look: Look): Look => ({ ...look, weight: look.guard ?? look.weight });

/** An objective over all domains, against a relative `share` of the baseline. */
export function compareObjective(x: Evaluated, objective: Objective, share: number): Finding {
  const pairs = Object.keys(x.judged.domains).flatMap((d) => pairsOf(x.blocks, d, objective.metric, x.of));
  const bound = fromShare(share, objective.direction);
  const question = { ...objective, domain: '*', role: 'objective', against: 'baseline', bound } as const;
  const weights = new Map(Object.entries(x.judged.domains).map(([domain, { weight }]) => [domain, weight]));
  const paired = pairedRounds(x.blocks, weights, objective, x.of);
  return find({ ...question, level: x.level, look: x.look }, paired, pairs);
}

/** An objective in one domain: there it has to stay above minus `tolerance`. */
export function compareInDomain(
  x: Evaluated,
  objective: Objective,
  domain: string,
  tolerance: number,
): Finding {
  const pairs = pairsOf(x.blocks, domain, objective.metric, x.of);
  const bound = fromShare(-tolerance, objective.direction);
  const question = { ...objective, domain, role: 'objective', against: 'baseline', bound } as const;
  return find(
    { ...question, level: x.level, look: guardLook(x.look) },
    pairedIn(pairs, objective.direction),
    pairs,
  );
}

/** A guardrail in one domain: each bound that it has is a comparison of its own. */
export function compareGuardrail(x: Evaluated, guardrail: Guardrail, domain: string): Finding[] {
  const { metric, direction } = guardrail;
  const pairs = pairsOf(x.blocks, domain, metric, x.of);
  const common = {
    domain,
    role: 'guardrail',
    metric,
    direction,
    level: x.level,
    look: guardLook(x.look),
  } as const;
  const findings: Finding[] = [];
  if (guardrail.max_regression !== undefined) {
    const bound = regressionBound(guardrail);
    findings.push(find({ ...common, against: 'baseline', bound }, pairedIn(pairs, direction), pairs));
  }
  const bound = guardrail.limit;
  if (bound !== undefined) {
    const differences = pairs.map(({ value }) => pairedEffect(bound, value, direction));
    findings.push(find({ ...common, against: 'limit', bound: 0 }, { differences }, pairs));
  }
  return findings;
}
