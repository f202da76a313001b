import { Command } from 'commander';
import { KlorosError } from '../errors.ts';
import { wholeNumber } from './arguments.ts';
import { forcedTick } from './forced-tick.ts';
import { withHome } from './home.ts';
import { epochsTable, epochWords } from './phase-words.ts';
import { nextWindowWords } from './window-words.ts';

async function run(options: { force?: boolean }, command: Command): Promise<void> {
  await forcedTick(command, {
    check: async (ctx) => {
      if (options.force) return;
      const { phaseSituation } = await import('../tick/phase-situation.ts');
      const { due, reason } = await phaseSituation(ctx);
      if (!due) throw new KlorosError('KLR_E_PHASE_NOT_DUE', `no epoch is due: ${reason}`);
    },
    force: options.force ? { kind: 'phase' } : undefined,
    aftermath: async (ctx, startedAt, out) => {
      const { listEpochs, showEpoch } = await import('../phase/records.ts');
      const [latest] = await listEpochs(ctx.db, { limit: 1 });
      if (!latest || (latest.endedAt ?? latest.startedAt) < startedAt) return null;
      const epoch = await showEpoch(ctx.db, latest.id);
      return { json: { epoch }, words: epochWords(epoch, ctx.clock.now(), out) };
    },
  });
}

function runSubcommand(): Command {
  return new Command('run')
    .description('validate the screened promotions in one PHASE epoch, when it is due or with --force')
    .option('--force', 'now, outside the window too; it does not use up the date')
    .addHelpText('after', '\nExamples:\n  $ kloros phase run --force\n  $ kloros phase run')
    .action(run);
}

function showCommand(): Command {
  return new Command('show')
    .description('one epoch: its verdicts, and every comparison behind them')
    .argument('[epoch]', 'default: the newest')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros phase show\n  $ kloros phase show phase-20261124T030000Z-91c0 --json',
    )
    .action(async (id: string | undefined, _options, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { listEpochs, showEpoch } = await import('../phase/records.ts');
        const wanted = id ?? (await listEpochs(ctx.db, { limit: 1 }))[0]?.id;
        if (wanted === undefined)
          throw new KlorosError('KLR_E_NOT_FOUND', 'there was no epoch yet', {
            hint: 'See when the next one is with `kloros phase next`, or run one with `kloros phase run --force`.',
          });
        const epoch = await showEpoch(ctx.db, wanted);
        out.data({ schema: 'kloros.epoch/v1', epoch }, (e) => epochWords(e.epoch, ctx.clock.now(), out));
      });
    });
}

function listCommand(): Command {
  return new Command('list')
    .description('epochs, newest first')
    .option('-n, --limit <count>', 'the newest so many', wholeNumber(1), 20)
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros phase list\n  $ kloros phase list --json | jq .epochs[].verdicts',
    )
    .action(async (options: { limit: number }, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { listEpochs } = await import('../phase/records.ts');
        const epochs = await listEpochs(ctx.db, options);
        out.data({ schema: 'kloros.epochs/v1', epochs }, (e) => epochsTable(e.epochs, ctx.clock.now(), out));
      });
    });
}

function nextCommand(): Command {
  return new Command('next')
    .description('when the PHASE window opens, in its own zone, clock changes included')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros phase next\n  $ kloros phase next --json | jq .next.opensAt',
    )
    .action(async (_options, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { upcomingWindows } = await import('../phase/upcoming.ts');
        const { phaseSituation } = await import('../tick/phase-situation.ts');
        const { due, reason, screened } = await phaseSituation(ctx);
        const { window } = ctx.config.phase;
        const windows = await upcomingWindows(ctx);
        const now = ctx.clock.now();
        out.data(
          { schema: 'kloros.phase-next/v1', now, window, ...windows, due, reason, screened },
          nextWindowWords,
        );
      });
    });
}

export function phaseCommand(): Command {
  return new Command('phase')
    .description('validation in the PHASE window')
    .addCommand(runSubcommand())
    .addCommand(showCommand())
    .addCommand(listCommand())
    .addCommand(nextCommand())
    .addHelpText('after', '\nExamples:\n  $ kloros phase next\n  $ kloros phase run --force');
}
