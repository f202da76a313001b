import type { Environment, Learned } from './state.ts';

/** What was learned elsewhere counts this much. */
const KEPT = 0.5;

/** The facts that differ; none before anything was measured. */
export function environmentChanges(before: Environment | null, now: Environment): string[] {
  if (before === null) return [];
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].filter((name) => before[name] !== now[name]).sort();
}

/**
 * What was learned, as it counts in an environment. In another one than it was learned in, gains count for half,
 * accepted configurations are points to try and nothing more, and levels, noise and rejections are forgotten: they
 * would be compared with what is measured from now on. Pure.
 */
export function inEnvironment(learned: Learned, environment: Environment): Learned {
  if (environmentChanges(learned.environment, environment).length === 0) return { ...learned, environment };
  return {
    ...learned,
    environment,
    cycles: Math.ceil(learned.cycles * KEPT),
    gainSum: learned.gainSum * KEPT,
    elapsedMs: learned.elapsedMs * KEPT,
    barren: 0,
    accepted: learned.accepted.map((a) => ({ ...a, stale: true })),
    levels: [],
    rejectedIn: [],
    noise: [],
  };
}
