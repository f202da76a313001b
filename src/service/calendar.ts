const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The largest divisor of 60 that is not above `n`: steps of it meet each full minute or hour. */
function divisor(n: number): number {
  for (let d = Math.min(60, Math.floor(n)); d > 1; d--) if (60 % d === 0) return d;
  return 1;
}

/**
 * An OnCalendar expression that elapses at least once in each `intervalMs`. A calendar, and not the time since the last
 * activation: a timer that counts from an activation which a restart forgot stays active and never elapses again. A
 * tick that outlasts the interval is not started twice; the next one comes with the next elapse after its end.
 * @param intervalMs at least 1 s
 */
export function calendarFor(intervalMs: number): string {
  if (intervalMs < MINUTE) {
    const step = divisor(Math.max(1, intervalMs / SECOND));
    return step === 1 ? '*-*-* *:*:*' : `*-*-* *:*:0/${step}`;
  }
  if (intervalMs >= HOUR) return 'hourly';
  const step = divisor(intervalMs / MINUTE);
  return step === 1 ? 'minutely' : `*-*-* *:0/${step}:00`;
}
