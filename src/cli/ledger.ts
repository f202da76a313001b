import { Command } from 'commander';
import { EXIT } from '../errors.ts';
import type { LedgerEvent } from '../store/ledger.ts';
import { momentBefore, wholeNumber } from './arguments.ts';
import { withHome } from './home.ts';
import { table } from './output.ts';
import { timeOf, valueWords } from './words.ts';

/** What a replay needs of a tick is shown with --json alone. */
function dataWords({ decided: _, ...data }: LedgerEvent['data']): string {
  return Object.entries(data)
    .map(([name, value]) => `${name}=${valueWords(value)}`)
    .join(' ');
}

function listCommand(): Command {
  return new Command('list')
    .description('events, newest last; JSON Lines with --json')
    .option('--since <time>', 'a duration ago (2h), or a date or time', momentBefore)
    .option('--kind <kind>', 'only this kind, such as verdict.given')
    .option('--subject <id>', 'only of this promotion, cycle, epoch, intent or version')
    .option('-n, --limit <count>', 'the newest so many', wholeNumber(1), 50)
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros ledger list --since 1d\n  $ kloros ledger list --kind baseline.committed --json\n  $ kloros ledger list --subject 12',
    )
    .action(
      async (
        options: { since?: number; kind?: string; subject?: string; limit: number },
        command: Command,
      ) => {
        await withHome(command, 'read', async (ctx, out) => {
          const { readEvents } = await import('../store/ledger.ts');
          const { since, limit, ...filter } = options;
          const newest = await readEvents(ctx.db, {
            ...filter,
            ...(since === undefined ? {} : { sinceTs: since }),
            limit,
            newestFirst: true,
          });
          const events = newest.toReversed().map((event) => ({ schema: 'kloros.event/v1', ...event }));
          out.lines(events, (all) =>
            table(
              ['SEQ', 'TIME', 'KIND', 'SUBJECT', 'DATA'],
              all.map((e) => [String(e.seq), timeOf(e.ts), e.kind, e.subject, dataWords(e.data)]),
            ),
          );
        });
      },
    );
}

function verifyCommand(): Command {
  return new Command('verify')
    .description('recompute every link of the ledger; exit 65 when one is broken')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros ledger verify\n  $ kloros ledger verify --json | jq -r .head',
    )
    .action(async (_options, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { verifyLedger } = await import('../store/ledger.ts');
        const result = await verifyLedger(ctx.db);
        out.data({ schema: 'kloros.ledger-verify/v1', ...result }, (r) =>
          r.ok
            ? `the ledger is sound: ${r.events} events, head ${r.head}`
            : `the ledger is broken at event ${r.seq}: ${r.reason}\nnext: stop with \`kloros kill\`, and compare with a backup; the events before ${r.seq} are sound`,
        );
        if (!result.ok) process.exitCode = EXIT.data;
      });
    });
}

export function ledgerCommand(): Command {
  return new Command('ledger')
    .description('the append-only record of every decision and result')
    .addCommand(listCommand())
    .addCommand(verifyCommand())
    .addHelpText('after', '\nExamples:\n  $ kloros ledger list --since 1d\n  $ kloros ledger verify');
}
