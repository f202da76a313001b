import type { Context } from '../context.ts';
import type { Control } from '../control.ts';
import { KlorosError } from '../errors.ts';
import type { Executor } from '../trial/types.ts';
import { measureBaseline } from './baseline-stage.ts';
import { experimentHash, loadCycle } from './cycle-store.ts';
import { Measurer } from './measurer.ts';
import { searchable } from './promotable.ts';
import { searchFrom } from './search-from.ts';
import { compileSpace } from './space.ts';

/** What came of asking again. */
export interface CycleReplay {
  /** Configurations that were asked for again, and were told what was measured. */
  readonly asked: number;
  /** Where it went another way, in words; null: every ask was the same. */
  readonly differs: string | null;
}

/** Nothing is run: where the record ends, the replay ends. */
const nothingRuns: Control = {
  abort: new AbortController().signal,
  stopReason: () => 'shutdown',
  progress: () => {},
};
const noExecutor = (slots: number): Executor => ({
  slots,
  run: () => Promise.reject(new KlorosError('KLR_E_INTERNAL', 'a replay runs no trial')),
});

/**
 * Asks the search of a cycle again, tells it what was measured, and compares every ask with the trial that followed it.
 * Writes nothing, runs nothing.
 * @throws KLR_E_NOT_FOUND; KLR_E_REPLAY_IMPOSSIBLE when the experiment was configured otherwise
 */
export async function replayCycle(
  ctx: Pick<Context, 'db' | 'clock' | 'config'>,
  id: string,
): Promise<CycleReplay> {
  const cycle = await loadCycle(ctx.db, id);
  const { request, trials, screening } = cycle;
  const experiment = ctx.config.experiments[request.experiment];
  if (!experiment || experimentHash(experiment) !== request.experimentHash)
    throw new KlorosError(
      'KLR_E_REPLAY_IMPOSSIBLE',
      `${request.experiment} is configured otherwise than it was`,
      {
        where: id,
      },
    );
  const space = compileSpace(searchable(experiment, request.baseline.params));
  const measurer = new Measurer(ctx, noExecutor(request.parallel), nothingRuns, cycle, experiment);
  const run = { experiment, space, cycle, control: nothingRuns, measurer };
  const baseline = await measureBaseline(run);
  if ('failed' in baseline) return { asked: 0, differs: measurer.interruption?.reason ?? null };
  const { evaluated } = await searchFrom(run, baseline.metrics);
  const asked = evaluated.length;
  if (measurer.interruption?.state === 'failed') return { asked, differs: measurer.interruption.reason };
  const searched = trials.filter(({ role }) => role === 'search').map(({ subject }) => Number(subject));
  // Asks that were under way when the time was up have part of their trials.
  const last = Math.max(-1, ...searched);
  if (last >= asked + request.parallel)
    return { asked, differs: `${asked} configurations were asked for, but ${last + 1} were tried` };
  if (screening && screening.evaluated !== asked)
    return { asked, differs: `${asked} configurations were told, but ${screening.evaluated} had been` };
  return { asked, differs: null };
}
