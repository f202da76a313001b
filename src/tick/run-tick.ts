import type { Context } from '../context.ts';
import { EXIT, type ExitCode, KlorosError } from '../errors.ts';
import { readKill } from '../home/killswitch.ts';
import { readMode } from '../home/mode.ts';
import { tryLock } from '../lock/acquire.ts';
import type { HeldLock } from '../lock/types.ts';
import type { Span } from '../trace/span.ts';
import { traced } from '../trace/tracing.ts';
import { decide } from './decide.ts';
import { withForce } from './force.ts';
import { OUTCOME_EXIT } from './outcomes.ts';
import { recordTick } from './record.ts';
import { gateSnapshot, readSnapshot } from './snapshot.ts';
import type { Decision, Snapshot, TickOptions, TickResult } from './types.ts';

/** A holder of the orchestrator lock is reported as overdue after this, beyond its budgets, ms. */
const TTL_SLACK_MS = 15 * 60_000;

/** The longest that a tick may take: an epoch, or a cycle, with slack. */
function longestTick(ctx: Context): number {
  const cycles = Object.values(ctx.config.experiments).map((e) => e.budget.duration);
  const { dream, phase } = ctx.config;
  return Math.max(phase.max_duration, dream.command ? dream.timeout : 0, ...cycles) + TTL_SLACK_MS;
}

/** Exits that a trace does not show as failures: someone wanted it so, or another one is at work. */
const NO_FAILURE: ReadonlySet<ExitCode> = new Set([EXIT.done, EXIT.disabled, EXIT.killed, EXIT.locked]);

/** In `observe` mode: what would be done, in words; nothing is done. */
function observed(decision: Decision): Pick<TickResult, 'outcome' | 'exit' | 'reason'> {
  const { action, reason } = decision;
  const words = action.kind === 'none' ? reason : `would ${action.kind} (rule ${decision.rule}): ${reason}`;
  return { outcome: 'NOOP', exit: EXIT.done, reason: `observing: ${words}` };
}

async function perform(
  ctx: Context,
  lock: HeldLock,
  decision: Decision,
  options: TickOptions,
  span: Span,
): Promise<Pick<TickResult, 'outcome' | 'exit' | 'reason'>> {
  if (decision.action.kind === 'none')
    return {
      outcome: decision.action.outcome,
      exit: OUTCOME_EXIT[decision.action.outcome],
      reason: decision.reason,
    };
  // What acts is loaded only now: most ticks have nothing to do.
  const { act } = await import('./act.ts');
  try {
    const done = await act(ctx, lock, decision, options, span);
    return { outcome: done.outcome, exit: done.exit ?? OUTCOME_EXIT[done.outcome], reason: done.reason };
  } catch (error) {
    const known =
      error instanceof KlorosError
        ? error
        : new KlorosError('KLR_E_INTERNAL', String(error), { cause: error });
    ctx.log.event('tick.error', {
      code: known.code,
      reason: known.message,
      stack: (error as Error).stack ?? '',
    });
    return { outcome: 'ERROR', exit: known.exit, reason: `${known.code}: ${known.message}` };
  }
}

async function underLock(
  ctx: Context,
  lock: HeldLock,
  gate: Pick<Snapshot, 'now' | 'mode' | 'kill' | 'lock'>,
  options: TickOptions,
  span: Span,
): Promise<{
  decision: Decision;
  snapshot: Snapshot;
  ended: Pick<TickResult, 'outcome' | 'exit' | 'reason'>;
}> {
  const { observe } = await import('./observe.ts');
  const seen = await observe(ctx, gate.mode);
  const snapshot = await readSnapshot(ctx, gate, seen);
  const decision = withForce(snapshot, decide(snapshot), options.force);
  const ended =
    gate.mode === 'observe' ? observed(decision) : await perform(ctx, lock, decision, options, span);
  if (ctx.config.escrow.notify !== undefined && gate.mode === 'enabled') {
    const { tellReviewers } = await import('./tell-reviewers.ts');
    await tellReviewers(ctx);
  }
  return { decision, snapshot, ended };
}

/**
 * One tick: observe, decide, act, record, under the orchestrator lock. A disabled tick writes nothing.
 * @throws what keeps it from recording: KLR_E_DISK_FULL, KLR_E_HOME_READ_ONLY, KLR_E_HOME_DAMAGED. What goes wrong
 * inside an action is an outcome (`ERROR`, `DREAM_FAILED`, …)
 */
export function runTick(ctx: Context, options: TickOptions = {}): Promise<TickResult> {
  return traced(ctx.env, 'kloros.tick', {}, async (span) => {
    const result = await tick(ctx, options, span);
    span.set({ 'kloros.outcome': result.outcome, 'kloros.reason': result.reason });
    if (!NO_FAILURE.has(result.exit)) span.fail(result.outcome);
    return result;
  });
}

async function tick(ctx: Context, options: TickOptions, span: Span): Promise<TickResult> {
  const started = ctx.clock.monotonic();
  const finish = async (
    decision: Decision,
    ended: Pick<TickResult, 'outcome' | 'exit' | 'reason'>,
    snapshot?: Snapshot,
  ): Promise<TickResult> => {
    const result = { ...ended, next: decision.next, durationMs: ctx.clock.monotonic() - started };
    if (result.outcome !== 'DISABLED')
      await recordTick(ctx, decision, result, snapshot && { snapshot, force: options.force ?? null });
    return result;
  };
  const gate = { now: ctx.clock.now(), mode: readMode(ctx), kill: readKill(ctx.paths, ctx.fs) };
  const closed = async (lock: Snapshot['lock']) => {
    const decision = decide(gateSnapshot({ ...gate, lock }));
    const outcome = decision.action.kind === 'none' ? decision.action.outcome : 'NOOP';
    return finish(decision, { outcome, exit: OUTCOME_EXIT[outcome], reason: decision.reason });
  };
  if (gate.mode === 'disabled' || gate.kill.set) return closed({ held: false, holder: '' });
  const attempt = await tryLock(ctx, 'orchestrator', { purpose: 'tick', ttlMs: longestTick(ctx) });
  if (!attempt.acquired) {
    const who = attempt.holder ? `pid ${attempt.holder.pid}, ${attempt.holder.purpose}` : 'another process';
    return closed({ held: true, holder: attempt.overdue ? `${who}, overdue` : who });
  }
  try {
    const lock = { held: false, holder: '' };
    const { decision, snapshot, ended } = await underLock(
      ctx,
      attempt.lock,
      { ...gate, lock },
      options,
      span,
    );
    return await finish(decision, ended, snapshot);
  } finally {
    attempt.lock.release();
  }
}
