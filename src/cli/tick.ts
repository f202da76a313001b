import { Command } from 'commander';
import { EXIT } from '../errors.ts';
import { nodeFileSystem } from '../files/filesystem.ts';
import { modeState } from '../home/mode.ts';
import { homePaths } from '../home/paths.ts';
import { globalsOf, homeOf, outputOf, withHome } from './home.ts';
import { progressLine } from './progress.ts';
import { shutdownSignal } from './signals.ts';
import { tickWords } from './tick-words.ts';

/** A disabled tick writes nothing, and so does not even open the database. */
function disabledAlready(home: string): boolean {
  const paths = homePaths(home);
  return (
    nodeFileSystem.existsSync(paths.database) &&
    modeState({ paths, fs: nodeFileSystem, env: process.env }).mode === 'disabled'
  );
}

export function tickCommand(): Command {
  return new Command('tick')
    .description('one pass of observe, decide, act, record, under the orchestrator lock')
    .addHelpText('after', '\nExamples:\n  $ kloros tick\n  $ kloros tick --json | jq .outcome')
    .action(async (_options, command: Command) => {
      if (disabledAlready(homeOf(globalsOf(command)))) {
        const reason = 'the mode is disabled; nothing is done until `kloros enable`';
        outputOf(command).data(
          { schema: 'kloros.tick/v1', outcome: 'DISABLED', exit: EXIT.disabled, reason },
          () => `DISABLED  ${reason}`,
        );
        process.exitCode = EXIT.disabled;
        return;
      }
      await withHome(command, 'write', async (ctx, out) => {
        const { runTick } = await import('../tick/run-tick.ts');
        const progress = progressLine(out.quiet || out.json);
        const result = await runTick(ctx, { shutdown: shutdownSignal(), onProgress: progress.show });
        progress.end();
        out.data({ schema: 'kloros.tick/v1', ...result }, (r) => tickWords(r, ctx.clock.now(), out));
        process.exitCode = result.exit;
      });
    });
}
