import { join } from 'node:path';
import type { Context } from '../context.ts';
import { isSafeFileName } from '../files/safe-id.ts';
import { addCounter } from '../metrics/counters.ts';
import type { Database } from '../store/database.ts';
import { fromJson } from '../store/json.ts';
import { appendEvent } from '../store/ledger.ts';
import { owe } from '../store/outbox.ts';
import type { IntentRow, StoredDocument } from './rows.ts';
import type { IntentState } from './types.ts';

export type IntentEnd = Exclude<IntentState, 'waiting'>;
type Archiving = Pick<Context, 'clock' | 'fs' | 'paths'>;

/** The name under which an intent is archived: its id sorts by time, its own name says what it was. */
export function archiveName(id: string, file: string): string {
  const own = isSafeFileName(file) && file.length <= 150 ? file : 'unnamed.json';
  return `${id}_${own}`;
}

/** The folder of an outcome, made when it is first needed. */
export function archiveFolder(ctx: Pick<Context, 'fs' | 'paths'>, outcome: IntentEnd): string {
  const folder = join(ctx.paths.processedIntents, outcome);
  ctx.fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/**
 * Ends a waiting intent, in a transaction: state, event, count, and the owed archive file
 * processed/intents/<outcome>/<id>_<name> with the reason inside. Whether it was waiting.
 */
export async function endIntent(
  tx: Database,
  ctx: Archiving,
  row: Pick<IntentRow, 'id'>,
  outcome: IntentEnd,
  reason: string,
): Promise<boolean> {
  const now = ctx.clock.now();
  const ended = await tx.run(
    "UPDATE intents SET state = ?, reason = ?, ended_at = ? WHERE id = ? AND state = 'waiting'",
    outcome,
    reason,
    now,
    row.id,
  );
  const intent = await tx.get<IntentRow>('SELECT * FROM intents WHERE id = ?', row.id);
  if (ended !== 1 || intent === undefined) return false;
  const { original, emittedBy } = fromJson<StoredDocument>(intent.document);
  const record = {
    id: intent.id,
    file: intent.file,
    outcome,
    reason,
    type: intent.type,
    priority: intent.priority,
    attempts: intent.attempts,
    generated_at: intent.generated_at / 1000,
    received_at: intent.received_at / 1000,
    ended_at: now / 1000,
    emitted_by: emittedBy,
    intent: original,
  };
  archiveFolder(ctx, outcome);
  const name = archiveName(intent.id, intent.file);
  await owe(tx, now, `processed/intents/${outcome}/${name}`, `${JSON.stringify(record, null, 2)}\n`);
  await appendEvent(tx, {
    ts: now,
    kind: `intent.${outcome}`,
    subject: intent.id,
    data: { file: intent.file, type: intent.type, reason, attempts: intent.attempts },
  });
  await addCounter(tx, 'kloros_intents_total', { type: intent.type, outcome });
  return true;
}
