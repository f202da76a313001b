import type { Context } from '../context.ts';
import { addCounter, observe, setGauge } from '../metrics/counters.ts';
import { appendEvent } from '../store/ledger.ts';
import { setMeta } from '../store/meta.ts';
import { VERSION } from '../version.ts';
import type { RecordedDecision } from './replay.ts';
import type { Decision, Snapshot, TickResult } from './types.ts';

type Seen = Pick<RecordedDecision, 'snapshot' | 'force'>;

/** Outcomes after which the loop still counts as idle. */
const IDLE = new Set(['NOOP', 'REFLECTED', 'LOCKED', 'KILLED', 'DISABLED']);

/** A tick that did nothing keeps what it saw only when that is short, chars: they are many. */
const SHORT = 4096;

/** Whether a tick that did nothing saw something that it left alone. What only waits for its window is told by `next`. */
function sawSomething({
  verdicts,
  decisions,
  received,
  pausedCycle,
  watch,
  intentsNextAt,
}: Snapshot): boolean {
  const lists = [verdicts, decisions, received].some((list) => list.length > 0);
  return lists || pausedCycle !== null || watch !== null || intentsNextAt !== null;
}

/** What `kloros replay` needs to decide it again; nothing for a tick with nothing to decide. */
function decidedFrom(decision: Decision, seen: Seen | undefined): { decided?: RecordedDecision } {
  if (!seen) return {};
  const decided = { program: VERSION, decision, ...seen };
  if (decision.action.kind !== 'none') return { decided };
  if (!sawSomething(seen.snapshot) || JSON.stringify(decided).length > SHORT) return {};
  return { decided };
}

/** Writes down how a tick ended: ledger, counters, the last tick for `status`, the log, and the metrics file. */
export async function recordTick(
  ctx: Context,
  decision: Decision,
  result: TickResult,
  seen?: Seen,
): Promise<void> {
  const now = ctx.clock.now();
  const { outcome, reason, next, durationMs, exit } = result;
  const data = { outcome, reason, rule: decision.rule, next, durationMs: Math.round(durationMs), exit };
  await ctx.db.transaction(async (tx) => {
    await appendEvent(tx, {
      ts: now,
      kind: 'tick',
      subject: outcome,
      data: { ...data, ...decidedFrom(decision, seen) },
    });
    await addCounter(tx, 'kloros_ticks_total', { outcome });
    if (outcome === 'LOCKED') await addCounter(tx, 'kloros_lock_contention_total', { lock: 'orchestrator' });
    await observe(tx, 'kloros_tick_duration_seconds', {}, durationMs / 1000);
    await setGauge(tx, 'kloros_last_tick_timestamp_seconds', {}, now / 1000);
    await setMeta(tx, 'last_tick', JSON.stringify({ ts: now, ...data }));
    if (!IDLE.has(outcome)) await setMeta(tx, 'idle_since', String(now));
  });
  ctx.log.event('tick', {
    outcome,
    reason,
    duration_ms: Math.round(durationMs),
    ...(next.at === null ? {} : { next_at: new Date(next.at).toISOString() }),
    next: next.what,
  });
  if (ctx.config.metrics.textfile !== undefined) {
    const { renewTextfile } = await import('./textfile.ts');
    await renewTextfile(ctx);
  }
}
