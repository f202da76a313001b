import { resolve } from 'node:path';
import { Command } from 'commander';
import { withHome } from './home.ts';
import { type ServeOptions, serving, withServeOptions } from './serving.ts';
import { shutdownSignal } from './signals.ts';

/** Resolves at SIGTERM or Ctrl-C. */
function untilStopped(): Promise<void> {
  const signal = shutdownSignal();
  return new Promise((stop) => signal.addEventListener('abort', () => stop(), { once: true }));
}

async function metrics(options: ServeOptions & { textfile?: string }, command: Command): Promise<void> {
  if (options.listen !== undefined) return serving(command, options, untilStopped);
  return withHome(command, 'read', async (ctx, out) => {
    if (options.textfile !== undefined) {
      const { writeTextfile } = await import('../tick/textfile.ts');
      const path = resolve(options.textfile);
      await writeTextfile(ctx, path);
      out.note(`metrics in ${path}`);
      return;
    }
    const { allMetrics, metricsText } = await import('../tick/metrics.ts');
    if (out.json) out.data({ schema: 'kloros.metrics/v1', metrics: await allMetrics(ctx) }, () => '');
    else process.stdout.write(await metricsText(ctx, 'text'));
  });
}

export function metricsCommand(): Command {
  const command = new Command('metrics')
    .description('every metric: printed, written for node_exporter, or served to Prometheus')
    .option('--textfile <file>', 'write them into a .prom file, whole or not at all');
  return withServeOptions(command)
    .addHelpText(
      'after',
      `\nExamples:
  $ kloros metrics
  $ kloros metrics --textfile /var/lib/prometheus/node-exporter/kloros.prom
  $ kloros metrics --listen 127.0.0.1:9464
  $ kloros metrics --listen 192.0.2.7:9464 --allow-host tuner.example.org 192.0.2.7`,
    )
    .action(metrics);
}
