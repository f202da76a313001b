import type { Context } from '../context.ts';
import type { HeldLock } from '../lock/types.ts';
import type { Span } from '../trace/span.ts';
import { localExecutor } from '../trial/execute.ts';
import { govern } from '../trial/governor.ts';
import type { Executor } from '../trial/types.ts';
import type { Done, Run } from './actions/run.ts';
import { tracedExecutor } from './traced-executor.ts';
import { track } from './track.ts';
import type { Action, Decision, TickOptions } from './types.ts';

async function perform(run: Run, action: Action, reason: string): Promise<Done> {
  switch (action.kind) {
    case 'none':
      return { outcome: action.outcome, reason };
    case 'recover': {
      const { recover } = await import('./actions/recover.ts');
      return recover(run, action.unfinished);
    }
    case 'watch': {
      const { watch } = await import('./actions/watch.ts');
      return watch(run);
    }
    case 'phase': {
      const { phase } = await import('./actions/phase.ts');
      return phase(run, action);
    }
    case 'carry-out': {
      const { carryOut } = await import('./actions/carry-out.ts');
      return carryOut(run, action.settle);
    }
    case 'dream': {
      const { dream } = await import('./actions/dream.ts');
      return dream(run, { ...action, origin: { reason } });
    }
    case 'rejected':
      return { outcome: 'PROMOTION_REJECTED', reason };
    case 'intents': {
      const { handleIntents } = await import('./actions/intents.ts');
      return handleIntents(run, action.ids);
    }
    case 'reflect': {
      const { reflectIdle } = await import('./actions/reflect.ts');
      return reflectIdle(run);
    }
  }
}

/** While an action lasts, the configured metrics file stays fresh. */
async function keepMetrics(ctx: Context): Promise<() => void> {
  if (ctx.config.metrics.textfile === undefined) return () => {};
  const { keepTextfile } = await import('./textfile.ts');
  return keepTextfile(ctx);
}

/** Carries out what was decided. The row that tracks it is what a later tick recovers when this process dies. */
export async function act(
  ctx: Context,
  lock: HeldLock,
  decision: Decision,
  options: TickOptions,
  tick: Span,
): Promise<Done> {
  const { action, reason } = decision;
  const attributes = { 'kloros.rule': decision.rule, 'kloros.reason': reason };
  return tick.child(`kloros.${action.kind}`, attributes, (span) => actIn(ctx, lock, decision, options, span));
}

async function actIn(
  ctx: Context,
  lock: HeldLock,
  { action, reason }: Decision,
  options: TickOptions,
  span: Span,
): Promise<Done> {
  let executor: Executor | null = null;
  const run: Run = {
    ctx,
    token: lock.token,
    shutdown: options.shutdown,
    onProgress: options.onProgress,
    executor: async () => {
      if (executor) return executor;
      const local = options.executor ?? localExecutor(ctx, ctx.config.governor.concurrent_trials);
      executor = tracedExecutor(govern(local, ctx), span);
      return executor;
    },
  };
  return track(ctx, { kind: action.kind, reason, token: lock.token }, async () => {
    const letGo = await keepMetrics(ctx);
    try {
      return await perform(run, action, reason);
    } finally {
      letGo();
    }
  });
}
