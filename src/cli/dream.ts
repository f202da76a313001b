import { Command } from 'commander';
import { KlorosError } from '../errors.ts';
import { wholeNumber } from './arguments.ts';
import { cyclesTable, cycleWords } from './dream-words.ts';
import { forcedTick } from './forced-tick.ts';
import { withHome } from './home.ts';

const LARGEST_SEED = 2 ** 32 - 1;

interface RunOptions {
  readonly trials?: number;
  readonly seed?: number;
}

async function run(experiment: string | undefined, options: RunOptions, command: Command): Promise<void> {
  await forcedTick(command, {
    check: async (ctx) => {
      const { experimentOf } = await import('../tick/actions/dream.ts');
      if (experiment !== undefined) experimentOf(ctx, experiment);
    },
    force: { kind: 'dream', ...(experiment === undefined ? {} : { experiment }), ...options },
    aftermath: async (ctx, startedAt, out) => {
      const { listCycles, showCycle } = await import('../dream/records.ts');
      const [latest] = await listCycles(ctx.db, { limit: 1 });
      if (!latest || latest.startedAt < startedAt) return null;
      const cycle = await showCycle(ctx.db, latest.id);
      const words = cycleWords(cycle, ctx.clock.now(), { trials: false }, out);
      return { json: { cycle: latest }, words: `${words}\n\nsee: kloros dream show ${latest.id}` };
    },
  });
}

function listCommand(): Command {
  return new Command('list')
    .description('cycles, newest first')
    .option('--experiment <name>', 'only of this experiment')
    .option('-n, --limit <count>', 'the newest so many', wholeNumber(1), 20)
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros dream list\n  $ kloros dream list --experiment sqlite --json',
    )
    .action(async (options: { experiment?: string; limit: number }, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { listCycles } = await import('../dream/records.ts');
        const cycles = await listCycles(ctx.db, options);
        out.data({ schema: 'kloros.cycles/v1', cycles }, (c) => cyclesTable(c.cycles, ctx.clock.now(), out));
      });
    });
}

function showCommand(): Command {
  return new Command('show')
    .description(
      'one cycle: what it found, what screening measured, which parameters decided, and every trial',
    )
    .argument('[cycle]', 'default: the newest')
    .option('--no-trials', 'without the table of trials')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros dream show\n  $ kloros dream show dream-20261124T031500Z-4f2a --json | jq .cycle.trials',
    )
    .action(async (id: string | undefined, options: { trials: boolean }, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { listCycles, showCycle } = await import('../dream/records.ts');
        const wanted = id ?? (await listCycles(ctx.db, { limit: 1 }))[0]?.id;
        if (wanted === undefined)
          throw new KlorosError('KLR_E_NOT_FOUND', 'there was no cycle yet', {
            hint: 'Run one with `kloros dream`.',
          });
        const cycle = await showCycle(ctx.db, wanted);
        const { understandCycle } = await import('../dream/understanding.ts');
        const analysis = await understandCycle(ctx, wanted);
        out.data({ schema: 'kloros.cycle/v1', cycle, analysis }, (c) =>
          cycleWords(c.cycle, ctx.clock.now(), { ...options, analysis: c.analysis }, out),
        );
      });
    });
}

export function dreamCommand(): Command {
  return new Command('dream')
    .description('search now: one D-REAM cycle; what it finds become promotions')
    .argument('[experiment]', 'default: the one that heuristics choose')
    .option(
      '--trials <count>',
      'configurations to evaluate (default: the budget of kloros.yaml)',
      wholeNumber(1),
    )
    .option('--seed <number>', 'for a search that can be repeated', wholeNumber(0, LARGEST_SEED))
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros dream\n  $ kloros dream sqlite --trials 20 --seed 7\n  $ kloros dream show',
    )
    .action(run);
}
