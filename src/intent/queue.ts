import type { Context } from '../context.ts';
import type { Database } from '../store/database.ts';
import { appendEvent } from '../store/ledger.ts';
import { endIntent } from './archive.ts';
import { fromRow, type IntentRow, type ListedIntent } from './rows.ts';
import type { Intent, IntentState } from './types.ts';

type Handling = Pick<Context, 'clock' | 'config' | 'fs' | 'paths'>;

/** An intent by its id, or null. */
export async function getIntent(db: Database, id: string): Promise<ListedIntent | null> {
  const row = await db.get<IntentRow>('SELECT * FROM intents WHERE id = ?', id);
  return row === undefined ? null : fromRow(row);
}

export interface IntentFilter {
  readonly states?: readonly IntentState[] | undefined;
  /** Default 1,000. */
  readonly limit?: number | undefined;
}

/** Intents in the order in which they are handled: highest priority first, then oldest first. */
export async function listIntents(db: Database, filter: IntentFilter = {}): Promise<ListedIntent[]> {
  const { states, limit = 1000 } = filter;
  if (states?.length === 0) return [];
  const where = states === undefined ? '' : `WHERE state IN (${states.map(() => '?').join(', ')})`;
  const rows = await db.all<IntentRow>(
    `SELECT * FROM intents ${where} ORDER BY priority DESC, generated_at, id LIMIT ?`,
    ...(states ?? []),
    limit,
  );
  return rows.map(fromRow);
}

const poisoned = (attempts: number, last: string) =>
  `not tried again after ${attempts} tries; the last: ${last}`;

/**
 * Takes a waiting intent in hand. The try counts from now on, so that an intent that kills its process is found out;
 * one that had all its tries is quarantined instead.
 * @returns the intent as before this try, or null when it is not to be handled
 */
export async function startIntent(ctx: Handling & Pick<Context, 'db'>, id: string): Promise<Intent | null> {
  return ctx.db.transaction(async (tx) => {
    const intent = await getIntent(tx, id);
    if (intent?.state !== 'waiting') return null;
    if (intent.attempts >= ctx.config.intents.attempts) {
      const last = intent.outcome ?? 'its process ended in the middle';
      await endIntent(tx, ctx, intent, 'quarantined', poisoned(intent.attempts, last));
      return null;
    }
    await tx.run('UPDATE intents SET attempts = ? WHERE id = ?', intent.attempts + 1, id);
    return intent;
  });
}

/** Ends an intent that was handled, or that can never be. */
export async function finishIntent(
  tx: Database,
  ctx: Handling,
  intent: Intent,
  outcome: 'done' | 'failed',
  reason: string,
): Promise<IntentState> {
  await endIntent(tx, ctx, intent, outcome, reason);
  return outcome;
}

/**
 * Records a try that failed: it is tried again with growing pauses (`retry.first_pause`, doubling), and quarantined
 * after `intents.attempts` tries.
 * @param intent as `startIntent` or `getIntent` gave it, before this try
 */
export async function retryIntent(
  tx: Database,
  ctx: Handling,
  intent: Intent,
  reason: string,
): Promise<IntentState> {
  const attempts = intent.attempts + 1;
  const now = ctx.clock.now();
  const pause = ctx.config.retry.first_pause * 2 ** (attempts - 1);
  await tx.run(
    "UPDATE intents SET attempts = ?, next_try_at = ?, reason = ? WHERE id = ? AND state = 'waiting'",
    attempts,
    now + pause,
    reason,
    intent.id,
  );
  if (attempts >= ctx.config.intents.attempts) {
    await endIntent(tx, ctx, intent, 'quarantined', poisoned(attempts, reason));
    return 'quarantined';
  }
  await appendEvent(tx, {
    ts: now,
    kind: 'intent.retried',
    subject: intent.id,
    data: { reason, attempts, next_try_at: now + pause },
  });
  return 'waiting';
}

/** Takes back a try that was interrupted for no fault of the intent (shutdown, kill switch). */
export async function putBackIntent(tx: Database, intent: Intent): Promise<void> {
  await tx.run(
    "UPDATE intents SET attempts = ? WHERE id = ? AND state = 'waiting'",
    intent.attempts,
    intent.id,
  );
}
