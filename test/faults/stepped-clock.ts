import { type Clock, systemClock } from '../../src/time/clock.ts';

/** The real clock, whose wall time a test sets; what is waited for and measured is real. */
export interface SteppedClock extends Clock {
  set(now: number): void;
  step(ms: number): void;
}

/** @param start what it shows now, ms since the epoch */
export function steppedClock(start: number): SteppedClock {
  let offset = start - systemClock.now();
  return {
    ...systemClock,
    now: () => systemClock.now() + offset,
    set: (now) => {
      offset = now - systemClock.now();
    },
    step: (ms) => {
      offset += ms;
    },
  };
}
