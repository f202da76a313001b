import { readKill } from '../../home/killswitch.ts';
import { readMode } from '../../home/mode.ts';
import { finishIntent, putBackIntent, retryIntent, startIntent } from '../../intent/queue.ts';
import type { Intent } from '../../intent/types.ts';
import { fromJson } from '../../store/json.ts';
import { deliverOutbox } from '../../store/outbox.ts';
import { takeBack } from '../take-back.ts';
import { isTroubleOfHome, wordsOf } from '../trouble.ts';
import { dream } from './dream.ts';
import { phase } from './phase.ts';
import { reflectIdle } from './reflect.ts';
import type { Done, Run } from './run.ts';

const number = (value: unknown) => (typeof value === 'number' ? value : undefined);

/** The cycle that an earlier try of this intent started: it goes on by itself when its process died. */
async function cycleOf(run: Run, intent: Intent): Promise<string | null> {
  const rows = await run.ctx.db.all<{ id: string; origin: string }>(
    "SELECT id, origin FROM cycles WHERE started_at >= ? AND state IN ('running', 'paused', 'done')",
    intent.generatedAt,
  );
  return rows.find((r) => fromJson<{ intent?: string }>(r.origin).intent === intent.id)?.id ?? null;
}

/** The epoch that was begun since the intent came, by a try whose process died or was interrupted: it goes on by itself. */
async function epochOf(run: Run, intent: Intent): Promise<string | null> {
  const row = await run.ctx.db.get<{ id: string }>(
    `SELECT id FROM epochs WHERE forced = 1 AND state IN ('running', 'paused', 'done')
     AND started_at >= (SELECT received_at FROM intents WHERE id = ?) ORDER BY started_at LIMIT 1`,
    intent.id,
  );
  return row?.id ?? null;
}

async function handle(run: Run, intent: Intent): Promise<Done> {
  const { data } = intent;
  switch (intent.type) {
    case 'trigger_dream': {
      const started = await cycleOf(run, intent);
      if (started !== null) return { outcome: 'DREAM_CYCLE', reason: `${started} was started for it` };
      return dream(run, {
        experiment: typeof data.experiment === 'string' ? data.experiment : null,
        resume: null,
        trials: number(data.trials),
        seed: number(data.seed),
        origin: { intent: intent.id, reason: intent.reason },
      });
    }
    case 'trigger_phase': {
      const started = await epochOf(run, intent);
      if (started !== null) return { outcome: 'PHASE_EPOCH', reason: `${started} was begun since` };
      return phase(run, { forced: true, resume: null });
    }
    case 'rollback': {
      const back = await takeBack(run.ctx, {
        to: number(data.to),
        actor: intent.emittedBy,
        reason: intent.reason,
      });
      return {
        outcome: 'ROLLED_BACK',
        reason: `to the content of v${back.restores ?? 0} as v${back.version}`,
      };
    }
    case 'reflect':
      return reflectIdle(run);
  }
}

/** They run trials, for minutes or hours. */
const LONG: ReadonlySet<Intent['type']> = new Set(['trigger_dream', 'trigger_phase']);

/** Outcomes after which an intent is tried again. */
const FAILED = new Set(['DREAM_FAILED', 'DREAM_TIMEOUT', 'PHASE_FAILED', 'PHASE_TIMEOUT', 'ERROR']);

/** Handles one intent; a failure of its own never stops the others. */
async function attempt(run: Run, id: string): Promise<{ words: string; long: boolean }> {
  const { ctx } = run;
  const intent = await startIntent(ctx, id);
  if (!intent) return { words: `${id} is not to be handled any more`, long: false };
  const long = LONG.has(intent.type);
  try {
    const done = await handle(run, intent);
    const words = `${intent.type}: ${done.outcome} ${done.reason}`;
    await ctx.db.transaction(async (tx) => {
      if (done.outcome === 'KILLED') await putBackIntent(tx, intent);
      else if (FAILED.has(done.outcome)) await retryIntent(tx, ctx, intent, words);
      else await finishIntent(tx, ctx, intent, 'done', words);
    });
    return { words, long };
  } catch (error) {
    const known = wordsOf(error);
    await ctx.db.transaction(async (tx) => {
      if (isTroubleOfHome(error)) await putBackIntent(tx, intent);
      else await retryIntent(tx, ctx, intent, known);
    });
    return { words: `${intent.type}: ${known}`, long };
  }
}

/** Handles the intents of one tick, in the order given, until one of them was long or something asks to stop. */
export async function handleIntents(run: Run, ids: readonly string[]): Promise<Done> {
  const reasons: string[] = [];
  for (const id of ids) {
    const { ctx, shutdown } = run;
    if (shutdown?.aborted || readKill(ctx.paths, ctx.fs).set || readMode(ctx) !== 'enabled') break;
    const { words, long } = await attempt(run, id);
    reasons.push(words);
    await deliverOutbox(ctx);
    // What became due meanwhile goes first: the rest is the next tick's.
    if (long) break;
  }
  return { outcome: 'INTENT', reason: reasons.join('; ') };
}
