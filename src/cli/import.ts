import { Command } from 'commander';
import { EXIT } from '../errors.ts';
import type { ImportItem } from '../import/types.ts';
import { actor, withHome } from './home.ts';
import { table } from './output.ts';
import { plural } from './words.ts';

/** How long a tick under way is waited for, ms. */
const WAIT_MS = 10_000;
const TTL_MS = 10 * 60_000;

const DONE: Readonly<Record<string, string>> = {
  copy: 'copied',
  line: 'added',
  record: 'in the ledger',
  nothing: 'there already',
  refuse: 'refused',
  advise: 'to do',
};

/** An item as it is told: without the bytes that are copied. */
interface Shown {
  readonly kind: string;
  readonly source: string;
  readonly name: string;
  readonly do: string;
  readonly code?: string;
  readonly reason?: string;
  readonly mend?: string;
  readonly advice?: string;
}

function shown({ outcome, kind, source, name }: ImportItem): Shown {
  const item = { kind, source, name, do: outcome.do };
  if (outcome.do === 'refuse') return { ...item, ...outcome };
  return outcome.do === 'advise' ? { ...item, ...outcome } : item;
}

/** How many of each kind came to what. */
function sums(items: readonly Shown[]): string {
  const kinds = [...new Set(items.map(({ kind }) => kind))];
  const outcomes = Object.keys(DONE);
  const rows = kinds.map((kind) => [
    kind,
    ...outcomes.map((what) => String(items.filter((i) => i.kind === kind && i.do === what).length)),
  ]);
  return table(['KIND', ...outcomes.map((what) => (DONE[what] ?? what).toUpperCase())], rows);
}

function words(items: readonly Shown[], dryRun: boolean): string {
  const refused = items
    .filter((item) => item.do === 'refuse')
    .map(({ source, code, reason, mend }) => `refused (${code}): ${source}: ${reason}\n  mend: ${mend}`);
  const advice = items.filter((item) => item.do === 'advise').map((item) => `  ${item.name}: ${item.advice}`);
  return [
    sums(items),
    ...(refused.length > 0 ? ['', ...refused] : []),
    ...(advice.length > 0 ? ['', 'to set by hand:', ...advice] : []),
    '',
    dryRun ? 'nothing was written: this was a dry run' : 'next: kloros doctor && kloros tick',
  ].join('\n');
}

export function importCommand(): Command {
  return new Command('import')
    .description(
      'bring a home of the first system along: promotions, ACKs, epochs, signals, baselines, escrow, intents',
    )
    .argument('<old-home>', 'the folder that holds artifacts/, system/ and .kloros/; it is only read')
    .option('--dry-run', 'say what would be done, and write nothing')
    .addHelpText(
      'after',
      `\nWhat cannot be read is told and left behind, with exit 65; the rest is imported. Doing it again is safe.

Examples:
  $ kloros import /home/kloros --dry-run
  $ kloros import /home/kloros`,
    )
    .action(async (folder: string, options: { dryRun?: boolean }, command: Command) => {
      const access = options.dryRun ? 'read' : 'write';
      await withHome(command, access, async (ctx, out) => {
        const { carryOutImport, planImport } = await import('../import/import.ts');
        const { withLock } = await import('../tick/with-lock.ts');
        const wanted = { purpose: 'import', ttlMs: TTL_MS, waitMs: WAIT_MS };
        const items = options.dryRun
          ? await planImport(ctx, folder)
          : await withLock(ctx, 'orchestrator', wanted, async () => {
              const plan = await planImport(ctx, folder);
              await carryOutImport(ctx, plan, { folder, actor: actor() });
              return plan;
            });
        const refused = items.filter(({ outcome }) => outcome.do === 'refuse').length;
        out.data(
          { schema: 'kloros.import/v1', dryRun: options.dryRun ?? false, items: items.map(shown) },
          (i) => words(i.items, i.dryRun),
        );
        if (refused > 0) {
          out.note(`${plural(refused, 'item')} could not be imported`);
          process.exitCode = EXIT.data;
        }
      });
    });
}
