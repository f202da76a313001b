import { Command } from 'commander';
import { withHome } from './home.ts';

export function metricsCommand(): Command {
  return new Command('metrics')
    .description('counters and gauges that survive the process, in the Prometheus text format')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros metrics\n  $ kloros metrics > /var/lib/node_exporter/textfile/kloros.prom',
    )
    .action(async (_options, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { readMetrics } = await import('../metrics/counters.ts');
        const { exposition } = await import('../metrics/exposition.ts');
        const metrics = await readMetrics(ctx.db);
        const text = await exposition(metrics, Object.keys(ctx.config.experiments), 'text');
        out.data({ schema: 'kloros.metrics/v1', metrics }, () => text);
      });
    });
}
