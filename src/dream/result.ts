import type { Params } from '../config/parameters.ts';
import type { Experiment } from '../config/schema.ts';
import type { Winner } from '../promotion/types.ts';
import type { ScreeningPlan, StoredRequest, Subject } from './cycle-store.ts';
import { percent } from './progress.ts';
import { changesFrom } from './promotable.ts';
import { type ByDomain, dominates, meanMetrics, requiredMetrics } from './score.ts';
import type { Judgement } from './screening.ts';
import type { CycleResult } from './types.ts';

type Done = Extract<CycleResult, { state: 'done' }>;
type Judged = { readonly subject: Subject; readonly judgement: Judgement };

/** What a cycle came to, from the judgement of each subject of its screening, in their order. */
export function concludeCycle(
  experiment: Experiment,
  request: StoredRequest,
  baseline: ByDomain,
  plan: ScreeningPlan,
  judgements: readonly Judgement[],
): Done {
  const judged = plan.subjects.flatMap((subject, i) => {
    const judgement = judgements[i];
    return judgement ? [{ subject, judgement }] : [];
  });
  const best = judged
    .filter(({ judgement }) => judgement.ok)
    .toSorted((a, b) => b.judgement.gain - a.judgement.gain)[0];
  const winners = pickWinners(experiment, request.baseline.params, judged);
  const promotions = answerPromotions(plan, judged);
  return {
    state: 'done',
    reason: inWords(plan, best, winners.length),
    summary: {
      evaluated: plan.evaluated,
      failed: plan.failed,
      stopped: plan.stopped,
      bestGain: best?.judgement.gain ?? null,
      best: best?.subject.params ?? null,
      baselineMetrics: meanMetrics([...baseline.values()], requiredMetrics(experiment)),
      diversity: plan.diversity,
    },
    winners,
    ...promotions,
  };
}

function inWords(plan: ScreeningPlan, best: Judged | undefined, winners: number): string {
  const found = best
    ? `the best is ${percent(best.judgement.gain)} beside the baseline, ${winners} new winner${winners === 1 ? '' : 's'}`
    : 'nothing is proven better than the baseline';
  return `${plan.searchEnd}, ${plan.subjects.length} measured again: ${found}`;
}

/** Finalists of the search that passed, best first, without those that another one beats in every objective. */
function pickWinners(experiment: Experiment, baseline: Params, judged: readonly Judged[]): Winner[] {
  const passed = judged.filter(({ subject, judgement }) => judgement.ok && subject.promotions.length === 0);
  return passed
    .filter(({ judgement }) => !passed.some((other) => dominates(other.judgement.gains, judgement.gains)))
    .toSorted((a, b) => b.judgement.gain - a.judgement.gain)
    .slice(0, experiment.search.winners)
    .map(({ subject, judgement }) => ({
      changes: changesFrom(baseline, subject.params),
      gain: judgement.gain,
      fitness: subject.fitness ?? 0,
      objectives: judgement.metrics,
      trials: judgement.pairs,
      screening: evidence(judgement),
    }));
}

function answerPromotions(
  plan: ScreeningPlan,
  judged: readonly Judged[],
): Pick<Done, 'screened' | 'rejected'> {
  const screened: Done['screened'][number][] = [];
  const rejected = [...plan.rejected];
  for (const { subject, judgement } of judged)
    for (const id of subject.promotions) {
      if (judgement.ok) screened.push({ id, gain: judgement.gain, screening: evidence(judgement) });
      else rejected.push({ id, reason: judgement.reason });
    }
  return { screened, rejected };
}

/** What of a judgement goes with the promotion. */
function evidence(judgement: Judgement): Record<string, unknown> {
  return {
    gain: judgement.gain,
    measured: judgement.measured,
    standard_error: judgement.standardError,
    pairs: judgement.pairs,
    domains: judgement.domains,
    metrics: judgement.metrics,
  };
}
