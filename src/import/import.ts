import type { Context } from '../context.ts';
import { writeAtomic } from '../files/write-atomic.ts';
import { appendEvent, readEvents } from '../store/ledger.ts';
import { epochsIn, readEpochs } from './epochs.ts';
import { readBaselines, readEscrow } from './history.ts';
import { findOldHome } from './old-home.ts';
import { copyFolder } from './read-old.ts';
import { readSignals } from './signals.ts';
import type { ImportItem, ItemKind, OldHome } from './types.ts';
import { readVariables } from './variables.ts';

const EVENT: Readonly<Partial<Record<ItemKind, string>>> = {
  baseline: 'imported.baseline',
  escrow: 'imported.escrow',
};

/** What the ledger tells of an earlier import. */
async function recorded(ctx: Context, kind: string): Promise<Set<string>> {
  const events = await readEvents(ctx.db, { kind, limit: 1_000_000 });
  return new Set(events.map(({ subject }) => subject));
}

const epochsText = ({ fs, paths }: Pick<Context, 'fs' | 'paths'>) =>
  fs.existsSync(paths.epochsLedger) ? fs.readFileSync(paths.epochsLedger, 'utf8') : '';

/** ACKs before promotions: what was answered is not received as new. */
async function readAll(ctx: Context, old: OldHome): Promise<ImportItem[]> {
  const { paths } = ctx;
  return [
    ...copyFolder(old, 'ack', old.acks, paths.promotionAcks),
    ...copyFolder(old, 'promotion', old.promotions, paths.promotions),
    ...readEpochs(old, epochsIn(epochsText(ctx))),
    ...readSignals(old, paths.signals),
    ...readBaselines(old, await recorded(ctx, 'imported.baseline')),
    ...readEscrow(old, await recorded(ctx, 'imported.escrow')),
    ...copyFolder(old, 'intent', old.intents, paths.intents),
    ...readVariables(old, ctx.config),
  ];
}

/**
 * What an import would do. Reads alone.
 * @param folder the old home
 * @throws KLR_E_IMPORT_NOTHING
 */
export async function planImport(ctx: Context, folder: string): Promise<ImportItem[]> {
  return readAll(ctx, findOldHome(folder, ctx.fs));
}

/** Puts the lines of the earlier system before those of this one. */
function addEpochs(ctx: Context, items: readonly ImportItem[]): void {
  const lines = items.flatMap(({ outcome }) => (outcome.do === 'line' ? [outcome.line] : []));
  if (lines.length > 0)
    writeAtomic(ctx.fs, ctx.paths.epochsLedger, `${lines.join('\n')}\n${epochsText(ctx)}`);
}

/**
 * Carries out a plan: files are copied into the home's folders, where the loop reads them by its own rules; history
 * goes into the ledger. Doing it again does nothing. Call it under the orchestrator lock.
 * @throws KLR_E_DISK_FULL, KLR_E_HOME_READ_ONLY; what was done stays, and the next import goes on
 */
export async function carryOutImport(
  ctx: Context,
  items: readonly ImportItem[],
  from: { readonly folder: string; readonly actor: string },
): Promise<void> {
  for (const { outcome } of items)
    if (outcome.do === 'copy') writeAtomic(ctx.fs, outcome.to, outcome.content);
  addEpochs(ctx, items);
  const count = (what: string) => items.filter(({ outcome }) => outcome.do === what).length;
  if (count('copy') + count('line') + count('record') === 0) return;
  await ctx.db.transaction(async (tx) => {
    const ts = ctx.clock.now();
    for (const { kind, name, source, outcome } of items)
      if (outcome.do === 'record')
        await appendEvent(tx, {
          ts,
          kind: EVENT[kind] ?? 'imported',
          subject: name,
          data: { source, ...outcome.data },
        });
    const data = {
      ...from,
      copied: count('copy'),
      epochs: count('line'),
      recorded: count('record'),
      refused: count('refuse'),
    };
    await appendEvent(tx, { ts, kind: 'home.imported', subject: 'home', data });
  });
}
