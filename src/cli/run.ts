import { Command } from 'commander';
import { withHome } from './home.ts';
import { progressLine } from './progress.ts';
import { shutdownSignal } from './signals.ts';
import { tickWords } from './tick-words.ts';

/** Outcomes that a log needs no line for each minute. */
const QUIET = new Set(['NOOP', 'DISABLED']);

export function runCommand(): Command {
  return new Command('run')
    .description('the daemon: ticks every minute, and within a second of a file drop, until SIGTERM')
    .option('--verbose', 'a line for every tick, also those that had nothing to do')
    .addHelpText('after', '\nExamples:\n  $ kloros run\n  $ KLOROS_HOME=/var/lib/kloros kloros run --verbose')
    .action(async (options: { verbose?: boolean }, command: Command) => {
      process.exitCode = await withHome(command, 'write', async (ctx, out) => {
        const { runDaemon } = await import('../tick/daemon.ts');
        const { reportError } = await import('./fail.ts');
        const progress = progressLine(out.quiet || out.json);
        out.note(
          `ticking on ${ctx.paths.root} every ${ctx.config.tick.interval / 1000} s; stop with SIGTERM or Ctrl-C`,
        );
        return runDaemon(ctx, {
          shutdown: shutdownSignal(),
          onProgress: progress.show,
          onTick: (result) => {
            progress.end();
            if (QUIET.has(result.outcome) && !options.verbose) return;
            const now = ctx.clock.now();
            out.data(
              { schema: 'kloros.tick/v1', ts: now, ...result },
              (r) => `${new Date(now).toISOString()}  ${tickWords(r, now, out)}`,
            );
          },
          onTrouble: (error) => reportError(error, out.json),
        });
      });
    });
}
