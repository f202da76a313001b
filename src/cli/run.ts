import { Command } from 'commander';
import type { Context } from '../context.ts';
import type { Notifier } from '../service/notify.ts';
import type { TickResult } from '../tick/types.ts';
import { withHome } from './home.ts';
import { progressLine } from './progress.ts';
import { type ServeOptions, serving, withServeOptions } from './serving.ts';
import { shutdownSignal } from './signals.ts';
import { tickWords } from './tick-words.ts';

/** Outcomes that a log needs no line for each minute. */
const QUIET = new Set(['NOOP', 'DISABLED']);

/** Tells systemd how the daemon is, when it was started by it. */
async function notifierOf(ctx: Context): Promise<Notifier | null> {
  if (process.env.NOTIFY_SOCKET === undefined) return null;
  const { serviceNotifier } = await import('../service/notify.ts');
  return serviceNotifier(process.env, (reason) => ctx.log.event('service.silent', { reason }));
}

export function runCommand(): Command {
  const run = new Command('run')
    .description('the daemon: ticks every minute, and within a second of a file drop, until SIGTERM')
    .option('--verbose', 'a line for every tick, also those that had nothing to do');
  return withServeOptions(run)
    .addHelpText(
      'after',
      `\nExamples:
  $ kloros run
  $ kloros run --listen 127.0.0.1:9464
  $ KLOROS_HOME=/var/lib/kloros kloros run --verbose`,
    )
    .action(async (options: ServeOptions & { verbose?: boolean }, command: Command) => {
      process.exitCode = await withHome(command, 'write', async (ctx, out) => {
        const { runDaemon } = await import('../tick/daemon.ts');
        const { reportError } = await import('./fail.ts');
        const progress = progressLine(out.quiet || out.json);
        out.note(
          `ticking on ${ctx.paths.root} every ${ctx.config.tick.interval / 1000} s; stop with SIGTERM or Ctrl-C`,
        );
        const onTick = (result: TickResult) => {
          progress.end();
          if (QUIET.has(result.outcome) && !options.verbose) return;
          const now = ctx.clock.now();
          out.data(
            { schema: 'kloros.tick/v1', ts: now, ...result },
            (r) => `${new Date(now).toISOString()}  ${tickWords(r, now, out)}`,
          );
        };
        const onTrouble = (error: unknown) => reportError(error, out.json);
        const shutdown = shutdownSignal();
        const notifier = await notifierOf(ctx);
        const onReady = () => notifier?.ready();
        shutdown.addEventListener('abort', () => notifier?.stopping(), { once: true });
        try {
          return await serving(command, options, () =>
            runDaemon(ctx, { shutdown, onProgress: progress.show, onReady, onTick, onTrouble }),
          );
        } finally {
          notifier?.dispose();
        }
      });
    });
}
