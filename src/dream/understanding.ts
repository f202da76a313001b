import type { Context } from '../context.ts';
import { experimentHash, loadCycle, type TrialRecord } from './cycle-store.ts';
import { type Analysis, analyse } from './importance.ts';
import { searchable } from './promotable.ts';
import {
  type ByDomain,
  type Judged,
  type Metrics,
  meanMetrics,
  requiredMetrics,
  scoreAgainst,
} from './score.ts';
import { compileSpace } from './space.ts';

/**
 * Which parameters decided the scores of a cycle: its importance analysis over the mean log-gain. Null where nothing
 * can be said: the experiment is configured otherwise by now, or too few configurations were measured.
 * @throws KLR_E_NOT_FOUND
 */
export async function understandCycle(
  ctx: Pick<Context, 'db' | 'config'>,
  id: string,
): Promise<Analysis | null> {
  const { request, trials } = await loadCycle(ctx.db, id);
  const experiment = ctx.config.experiments[request.experiment];
  if (!experiment || experimentHash(experiment) !== request.experimentHash) return null;
  const completed = trials.filter(({ state }) => state === 'completed');
  const baseline = baselineOf(experiment, completed);
  // One that was cut short counts by the domains it came to: it tells most of what is bad.
  const measured = [...Map.groupBy(searchOf(completed), ({ subject }) => subject).values()];
  const analysis = analyse(
    compileSpace(searchable(experiment, request.baseline.params)),
    measured.map((own) => own[0]?.params ?? {}),
    measured.map((own) => scoreAgainst(experiment, baseline, byDomain(own)).fitness),
    { seed: request.seed },
  );
  return analysis.importance.length === 0 ? null : analysis;
}

const searchOf = (trials: readonly TrialRecord[]) => trials.filter(({ role }) => role === 'search');

const byDomain = (trials: readonly TrialRecord[]): ByDomain =>
  new Map(trials.map(({ domain, metrics }) => [domain, metrics]));

function baselineOf(experiment: Judged, trials: readonly TrialRecord[]): ByDomain {
  const own = trials.filter(({ role }) => role === 'baseline');
  const repeats = Map.groupBy(own, ({ domain }) => domain);
  const means = new Map<string, Metrics>();
  for (const [domain, measured] of repeats)
    means.set(
      domain,
      meanMetrics(
        measured.map(({ metrics }) => metrics),
        requiredMetrics(experiment),
      ),
    );
  return means;
}
