import type { Params } from '../config/parameters.ts';
import type { Experiment } from '../config/schema.ts';
import { changesFrom } from './promotable.ts';
import { relativeGain, type Score } from './score.ts';

/** A configuration in a few words: what differs from the baseline. */
export function describe(params: Params, baseline: Params): string {
  const changes = Object.entries(changesFrom(baseline, params));
  if (changes.length === 0) return 'the baseline';
  return changes
    .map(([name, value]) => `${name}=${typeof value === 'number' ? Number(value.toPrecision(4)) : value}`)
    .join(' ');
}

/** 0.123 as "+12.3 %". */
export function percent(gain: number): string {
  return `${gain < 0 ? '-' : '+'}${(Math.abs(gain) * 100).toFixed(1)} %`;
}

/** A log-gain over all objectives as a share of the baseline; with several, as of a maximised one. */
export function overallGain(experiment: Pick<Experiment, 'objectives'>, fitness: number): number {
  const [only, ...more] = experiment.objectives;
  return relativeGain(fitness, more.length === 0 && only ? only.direction : 'maximize');
}

/** The best configuration that breaks no guardrail, in words. */
export function bestSoFar(
  evaluated: readonly { readonly state: string; readonly score: Score | null }[],
  experiment: Pick<Experiment, 'objectives'>,
): string {
  const fitness = evaluated.flatMap(({ state, score }) =>
    state === 'completed' && score?.violation === 0 ? [score.fitness] : [],
  );
  if (fitness.length === 0) return 'nothing sound measured yet';
  return `best so far ${percent(overallGain(experiment, Math.max(...fitness)))}`;
}
