import type { Block } from './blocks.ts';
import {
  compareGuardrail,
  compareInDomain,
  compareObjective,
  type Evaluated,
  type Finding,
  type Judged,
} from './compare.ts';
import { toShare } from './effect.ts';
import { detectable, shrink } from './evidence.ts';
import { type Look, MIN_PAIRS } from './looks.ts';
import type { Candidate, CandidateVerdict, Verdict } from './types.ts';

/** So many failed trials, where the baseline did not fail beside them, and a candidate is out. */
const FAILURES = 2;

/** The settings of PHASE that a verdict depends on. */
export interface Rules {
  /** Smallest relative gain that is worth a change. */
  readonly minGain: number;
  /** Error of this candidate's acceptance: its share of alpha. */
  readonly level: number;
  readonly look: Look;
}

interface Found {
  /** One for each objective, over all domains. */
  readonly pooled: readonly Finding[];
  readonly inDomains: readonly Finding[];
  readonly guardrails: readonly Finding[];
  /** Trials that failed where the baseline's did not. */
  readonly failures: number;
}

function evaluate(x: Evaluated, minGain: number, promotionId: string): Found {
  const domains = Object.keys(x.judged.domains);
  const { objectives, guardrails } = x.judged;
  // One of several objectives may show the gain, so they share the error; everything else has to hold together.
  const level = x.level / objectives.length;
  const failed = (block: Block) => block.baseline !== null && block.candidates.get(promotionId) === null;
  return {
    pooled: objectives.map((o) => compareObjective({ ...x, level }, o, 0)),
    inDomains: objectives.flatMap((o) => domains.map((d) => compareInDomain(x, o, d, minGain))),
    guardrails: guardrails.flatMap((g) => domains.flatMap((d) => compareGuardrail(x, g, d))),
    failures: x.blocks.filter(failed).length,
  };
}

/** What speaks against the candidate for good, or null. */
function whyRejected(found: Found, judged: Judged, minGain: number): string | null {
  if (found.failures >= FAILURES)
    return `${found.failures} of its trials failed where the baseline's did not`;
  const broken = [...found.guardrails, ...found.inDomains].find((f) => f.broken);
  if (broken) return broken.comparison.reason;
  const hopeless = found.pooled.every(
    (f, i) => toShare(f.evidence.high, judged.objectives[i]?.direction ?? 'maximize') < minGain,
  );
  if (hopeless) return `no gain of ${minGain * 100} %: ${found.pooled[0]?.comparison.reason}`;
  return null;
}

/**
 * The objective whose gain is shown and worth the change, while no other one is worse by more than that (Pareto), or
 * why there is none.
 */
function provenGain(
  found: Found,
  judged: Judged,
  x: Evaluated,
  minGain: number,
): { index: number } | { why: string } {
  for (const [index, f] of found.pooled.entries()) {
    const direction = judged.objectives[index]?.direction ?? 'maximize';
    const gain = toShare(shrink(f.evidence.mean, f.evidence.standardError), direction);
    if (!f.shown || gain < minGain) continue;
    const others = judged.objectives.filter((_, i) => i !== index);
    const worse = others.map((o) => compareObjective(x, o, -minGain)).find((other) => !other.shown);
    if (worse) return { why: worse.comparison.reason };
    return { index };
  }
  const first = found.pooled[0];
  return {
    why: first?.shown
      ? `the gain is below ${minGain * 100} %: ${first.comparison.reason}`
      : (first?.comparison.reason ?? ''),
  };
}

function decide(found: Found, x: Evaluated, minGain: number): { verdict: Verdict; reason: string } {
  const { judged } = x;
  const against = whyRejected(found, judged, minGain);
  if (against !== null) return { verdict: 'reject', reason: against };
  if (found.failures > 0)
    return { verdict: 'inconclusive', reason: 'one of its trials failed: evidence is missing' };
  const pairs = found.pooled[0]?.evidence.n ?? 0;
  if (pairs < MIN_PAIRS)
    return { verdict: 'inconclusive', reason: `${pairs} complete rounds, at least ${MIN_PAIRS} are needed` };
  const open = found.guardrails.find((f) => !f.shown);
  if (open) return { verdict: 'inconclusive', reason: `guardrail: ${open.comparison.reason}` };
  const proven = provenGain(found, judged, x, minGain);
  if ('why' in proven) return { verdict: 'inconclusive', reason: proven.why };
  return { verdict: 'accept', reason: found.pooled[proven.index]?.comparison.reason ?? '' };
}

/**
 * What the measurements say of a candidate at one look. Accepted only when all of these are shown at the level: a gain
 * over the baseline in an objective, pooled over the domains; and in every domain no regression of a guardrail beyond
 * its margin or limit. Because all have to be shown, none needs a correction for the others (Berger 1982:
 * intersection-union test). A missing, failed or non-finite measurement makes no pair and leaves it at best open.
 */
export function judgeCandidate(
  judged: Judged,
  candidate: Candidate,
  blocks: readonly Block[],
  rules: Rules,
): CandidateVerdict {
  const of = (block: Block) => block.candidates.get(candidate.promotionId);
  const mine = blocks.filter(
    (b) => b.experiment === candidate.experiment && b.candidates.has(candidate.promotionId),
  );
  const x: Evaluated = { judged, blocks: mine, of, level: rules.level, look: rules.look };
  const found = evaluate(x, rules.minGain, candidate.promotionId);
  const first = found.pooled[0];
  const direction = judged.objectives[0]?.direction ?? 'maximize';
  const { n, mean, standardError } = first?.evidence ?? {
    n: 0,
    mean: 0,
    standardError: Number.POSITIVE_INFINITY,
  };
  const smallest = detectable(
    n,
    standardError * Math.sqrt(n),
    rules.level / judged.objectives.length,
    rules.look,
  );
  const gainP = Math.min(...found.pooled.map(({ p }) => p * judged.objectives.length));
  return {
    promotionId: candidate.promotionId,
    experiment: candidate.experiment,
    ...decide(found, x, rules.minGain),
    gain: toShare(shrink(mean, standardError), direction),
    low: first?.comparison.low ?? null,
    high: first?.comparison.high ?? null,
    detectable: Number.isFinite(smallest) ? toShare(smallest, direction) : null,
    searchScore: candidate.searchScore,
    pValue: Math.min(1, Math.max(gainP, ...found.guardrails.map(({ p }) => p))),
    comparisons: [...found.pooled, ...found.inDomains, ...found.guardrails].map((f) => f.comparison),
  };
}
