import { Command, Option } from 'commander';
import type { Demotion } from '../escrow/types.ts';
import { actor, withHome } from './home.ts';
import { table } from './output.ts';
import { relative } from './words.ts';

const EXAMPLE =
  '$ kloros escrow autonomy raise sqlite.cache_size --reason "the disk was full, not the cache"';

function demotionsTable(demotions: readonly Demotion[], now: number): string {
  if (demotions.length === 0) return 'nothing was taken away: what kloros.yaml grants is in force';
  return table(
    ['PARAMETER', 'LEVEL', 'SINCE', 'BY', 'BECAUSE'],
    demotions.map((d) => [
      `${d.experiment}.${d.parameter}`,
      d.level,
      relative(d.ts, now),
      d.actor,
      d.version === null ? `raised: ${d.reason}` : d.reason,
    ]),
  );
}

function listCommand(): Command {
  return new Command('list')
    .description(
      'parameters that may go less far alone than kloros.yaml grants, or that a person raised since',
    )
    .addHelpText('after', '\nExamples:\n  $ kloros escrow autonomy list')
    .action(async (_options, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { readDemotions } = await import('../escrow/autonomy.ts');
        const autonomy = await readDemotions(ctx.db);
        out.data({ schema: 'kloros.autonomy/v1', autonomy }, (a) =>
          demotionsTable(a.autonomy, ctx.clock.now()),
        );
      });
    });
}

function raiseCommand(): Command {
  return new Command('raise')
    .description('give a parameter back what a surprise took: only a person does')
    .argument('<experiment.parameter>')
    .requiredOption('--reason <text>', 'why, for the record')
    .addOption(
      new Option('--to <level>', 'no further than this; default: what kloros.yaml grants').choices([
        'propose',
        'guarded',
        'auto',
      ]),
    )
    .addHelpText('after', `\nExamples:\n  ${EXAMPLE}`)
    .action(
      async (
        name: string,
        options: { reason: string; to?: 'propose' | 'guarded' | 'auto' },
        command: Command,
      ) => {
        await withHome(command, 'write', async (ctx, out) => {
          const { raiseAutonomy } = await import('../escrow/autonomy.ts');
          const ask = { to: options.to, actor: actor(), reason: options.reason };
          const raised = await raiseAutonomy(ctx, name, ask);
          out.data(
            { schema: 'kloros.autonomy-raised/v1', raised },
            ({ raised: r }) =>
              `${r.experiment}.${r.parameter} is ${r.level} again, by ${r.actor}: ${r.reason}`,
          );
        });
      },
    );
}

export function autonomyCommand(): Command {
  return new Command('autonomy')
    .description('how far each parameter may go alone, after what it did')
    .addCommand(listCommand())
    .addCommand(raiseCommand())
    .addHelpText('after', `\nExamples:\n  $ kloros escrow autonomy list\n  ${EXAMPLE}`);
}
