import { Command } from 'commander';
import { nodeFileSystem } from '../files/filesystem.ts';
import { clearKill, raiseKill, setKill } from '../home/killswitch.ts';
import { homePaths } from '../home/paths.ts';
import { actor, globalsOf, homeOf, outputOf, withHome } from './home.ts';

export function killCommand(): Command {
  return new Command('kill')
    .description('set the kill switch: a running trial ends within five seconds, nothing starts after it')
    .argument('<reason>', 'why, for whoever finds it')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros kill "disk alarms since 03:10"\n\nUndo with `kloros revive`.',
    )
    .action(async (reason: string, _options, command: Command) => {
      const paths = homePaths(homeOf(globalsOf(command)));
      // The file comes first and alone: it works when the database or the configuration is what is broken.
      raiseKill(paths, nodeFileSystem, reason);
      await withHome(command, 'write', (ctx) => setKill(ctx, reason, actor()));
      outputOf(command).data(
        { schema: 'kloros.kill/v1', killed: true, reason },
        () => `killed: ${reason}\nundo: kloros revive`,
      );
    });
}

export function reviveCommand(): Command {
  return new Command('revive')
    .description('clear the kill switch')
    .addHelpText('after', '\nExamples:\n  $ kloros revive')
    .action(async (_options, command: Command) => {
      await withHome(command, 'write', async (ctx, out) => {
        const cleared = await clearKill(ctx, actor());
        out.data({ schema: 'kloros.kill/v1', killed: false, cleared }, () =>
          cleared ? 'revived: the next tick may act' : 'the kill switch was not set',
        );
      });
    });
}
