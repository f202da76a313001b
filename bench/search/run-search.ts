import type { Parameter } from '../../src/config/schema.ts';
import { createSearch } from '../../src/dream/create-search.ts';
import { Prng } from '../../src/dream/prng.ts';
import { compileSpace } from '../../src/dream/space.ts';
import type { Problem } from './problems.ts';

export interface RunOptions {
  readonly sampler: string;
  readonly budget: number;
  readonly seed: number;
  /** Trials in flight: the oldest is told before the next is asked. */
  readonly parallel: number;
}

export interface Run {
  /** Of the recommended point, without noise, above the best known value. */
  readonly regret: number;
  /** CPU time of asks and tells, which a loaded machine stretches less than wall time. */
  readonly msPerTrial: number;
}

/** Searches a problem to the end of its budget. */
export function runSearch(problem: Problem, { sampler, budget, seed, parallel }: RunOptions): Run {
  const parameters = problem.parameters as Record<string, Parameter>;
  const space = compileSpace({ parameters, constraints: [], forbidden: [] });
  const random = new Prng(seed, 0x401);
  const noise = problem.noise(1) > 0;
  const start = process.cpuUsage();
  const search = createSearch(space, { directions: ['minimize'], budget, seed, noise, parallel }, sampler);
  const inFlight: { id: number; value: number }[] = [];
  const tellOldest = (): void => {
    const done = inFlight.shift();
    if (done !== undefined) search.tell(done.id, { values: [done.value] });
  };
  for (let i = 0; i < budget; i++) {
    if (inFlight.length === parallel) tellOldest();
    const { id, params } = search.ask();
    const value = problem.value(params);
    inFlight.push({ id, value: value + problem.noise(value) * random.normal() });
  }
  while (inFlight.length > 0) tellOldest();
  const { user, system } = process.cpuUsage(start);
  const best = search.recommend()[0];
  return {
    regret: best === undefined ? Infinity : problem.value(best.params) - problem.best,
    msPerTrial: (user + system) / 1000 / budget,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
