import { explainCommand, runCommand } from '../baseline/run-command.ts';
import type { Context } from '../context.ts';
import { listEntries } from '../escrow/entries.ts';
import type { EscrowEntry } from '../escrow/types.ts';
import { readKill } from '../home/killswitch.ts';
import type { Database } from '../store/database.ts';
import { appendEvent } from '../store/ledger.ts';
import { clearFailures, readRetry, recordFailure } from './retries.ts';

const keyOf = (entry: Pick<EscrowEntry, 'id'>) => `notify:${entry.id}`;

/** The longest waiting entry that nobody was told of and whose pause is over, or null. */
async function nextToTell(ctx: Context): Promise<EscrowEntry | null> {
  const now = ctx.clock.now();
  for (const entry of await listEntries(ctx.db, { states: ['waiting'] })) {
    if (entry.toldAt !== null || entry.expiresAt <= now) continue;
    const retry = await readRetry(ctx.db, keyOf(entry), now);
    if (retry === null || retry.nextAt <= now) return entry;
  }
  return null;
}

async function recordTold(tx: Database, ctx: Context, entry: EscrowEntry): Promise<void> {
  const ts = ctx.clock.now();
  await tx.run('UPDATE escrow SET told_at = ? WHERE id = ?', ts, entry.id);
  await clearFailures(tx, keyOf(entry));
  await appendEvent(tx, { ts, kind: 'escrow.told', subject: entry.id });
}

/** It is tried for as long as the entry waits; the pauses grow. */
async function recordFailed(tx: Database, ctx: Context, entry: EscrowEntry, reason: string): Promise<void> {
  const ts = ctx.clock.now();
  const { failures, nextAt } = await recordFailure(tx, keyOf(entry), ts, ctx.config.retry);
  const data = { reason, failures, next_at: nextAt };
  await appendEvent(tx, { ts, kind: 'escrow.not-told', subject: entry.id, data });
}

/**
 * Tells the configured command of one waiting entry, with JSON on its stdin: one a tick, so that a tick never waits
 * for longer than the command's timeout. One that fails is told again after growing pauses. Never throws for what the
 * command does.
 */
export async function tellReviewers(ctx: Context): Promise<void> {
  const { notify, notify_timeout: timeoutMs } = ctx.config.escrow;
  const quiet = notify === undefined || readKill(ctx.paths, ctx.fs).set;
  const entry = quiet ? null : await nextToTell(ctx);
  if (notify === undefined || entry === null) return;
  const notice = { schema: 'kloros.escrow-notice/v1', home: ctx.paths.root, entry };
  const input = `${JSON.stringify(notice)}\n`;
  const result = await runCommand(notify, { cwd: ctx.configDir, env: ctx.env, timeoutMs, input });
  await ctx.db.transaction((tx) =>
    result.ok ? recordTold(tx, ctx, entry) : recordFailed(tx, ctx, entry, explainCommand(result)),
  );
  if (!result.ok) ctx.log.event('escrow.not-told', { reason: explainCommand(result) });
}
