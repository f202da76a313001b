import { Command } from 'commander';
import type { DrillResult } from '../drill/types.ts';
import { KlorosError } from '../errors.ts';
import { withHome } from './home.ts';
import { table } from './output.ts';
import { lengthOf } from './words.ts';

function drillWords({ gates, experiment, passed, durationMs }: DrillResult): string {
  const rows = gates.map((g) => [g.state === 'open' ? 'OPEN' : g.state, g.gate, g.planted, g.found]);
  const end = passed ? 'every gate held' : 'a gate is open';
  return `${table(['STATE', 'GATE', 'PLANTED', 'FOUND'], rows)}\n\n${experiment}: ${end}, in ${lengthOf(durationMs)}`;
}

export function drillCommand(): Command {
  return new Command('drill')
    .description('plant known-bad promotions in a copy of the home, and see each gate block them')
    .option('--experiment <name>', 'which one; default: the first')
    .addHelpText('after', '\nExamples:\n  $ kloros drill\n  $ kloros drill --experiment sqlite --json')
    .action(async ({ experiment }: { experiment?: string }, command: Command) => {
      await withHome(command, 'write', async (ctx, out) => {
        const { runDrill } = await import('../drill/run-drill.ts');
        const result = await runDrill(ctx, experiment);
        out.data(result, drillWords);
        if (result.passed) return;
        const open = result.gates.filter(({ state }) => state === 'open');
        throw new KlorosError(
          'KLR_E_DRILL_FAILED',
          open.map((g) => `${g.gate}: ${g.planted}: ${g.found}`).join('; '),
        );
      });
    });
}
