/** The circuit breaker of one experiment, as it is kept. Times are ms since the Unix epoch. */
export type Breaker =
  /** Trials run; `failures` of them failed in a row. */
  | { readonly state: 'closed'; readonly failures: number }
  /** Nothing runs until the cooldown is over. */
  | { readonly state: 'open'; readonly failures: number; readonly since: number }
  /** One trial runs, to see whether the evaluator is whole again. */
  | { readonly state: 'half-open'; readonly failures: number; readonly since: number };

export interface BreakerSettings {
  /** Failed trials in a row that open it. */
  readonly failures: number;
  /** Milliseconds. */
  readonly cooldown: number;
}

export const CLOSED: Breaker = { state: 'closed', failures: 0 };

/**
 * When the next trial may be tried, ms since the epoch; now when it is closed, and when the clock stepped back, since
 * nobody knows how long it has been. A half-open breaker whose trial never ended (its process was killed) waits as well.
 */
export function triesAgainAt(breaker: Breaker, settings: BreakerSettings, now: number): number {
  if (breaker.state === 'closed' || breaker.since > now) return now;
  return breaker.since + settings.cooldown;
}

/** The breaker with which a trial may start now, or null when it may not. */
export function admit(breaker: Breaker, settings: BreakerSettings, now: number): Breaker | null {
  if (breaker.state === 'closed') return breaker;
  if (triesAgainAt(breaker, settings, now) > now) return null;
  return { state: 'half-open', failures: breaker.failures, since: now };
}

/** The breaker after a trial. One that was stopped says nothing: when it was the one to try, the next may be at once. */
export function afterTrial(
  breaker: Breaker,
  ended: 'completed' | 'failed' | 'stopped',
  settings: BreakerSettings,
  now: number,
): Breaker {
  if (ended === 'completed') return CLOSED;
  if (ended === 'stopped')
    return breaker.state === 'half-open' ? { ...breaker, state: 'open', since: 0 } : breaker;
  const failures = breaker.failures + 1;
  // A trial that had started before the breaker opened does not make the wait longer.
  if (breaker.state === 'open') return { ...breaker, failures };
  if (breaker.state === 'half-open' || failures >= settings.failures)
    return { state: 'open', failures, since: now };
  return { state: 'closed', failures };
}
