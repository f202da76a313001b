import type { Config } from '../config/schema.ts';

/** A tick beyond its action: what is read, recorded, watched and swept, ms. */
const SLACK_MS = 15 * 60_000;
/** To end a trial, and to record that, ms. */
const END_MS = 60_000;

/** Commands of a target run one after the other: reload, then health. */
const applyMs = (config: Config) =>
  Object.values(config.experiments).reduce((sum, { apply }) => sum + 2 * (apply?.timeout ?? 0), 0);

/** The longest that one tick may take, ms: an epoch or a cycle, the commit and apply that follow, and slack. */
export function longestTickMs(config: Config): number {
  const cycles = Object.values(config.experiments).map(({ budget }) => budget.duration);
  const external = config.dream.command === undefined ? 0 : config.dream.timeout;
  return Math.max(config.phase.max_duration, external, ...cycles) + applyMs(config) + SLACK_MS;
}

/** The longest that a tick needs to end once it is asked to, ms: an apply is not cut in half. */
export function longestStopMs(config: Config): number {
  return applyMs(config) + END_MS;
}
