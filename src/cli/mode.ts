import { Command } from 'commander';
import { MODE_VARIABLE, type Mode, modeState, writeMode } from '../home/mode.ts';
import { actor, withHome } from './home.ts';

function modeCommand(name: string, mode: Mode, description: string): Command {
  return new Command(name)
    .description(description)
    .addHelpText('after', `\nExamples:\n  $ kloros ${name}`)
    .action(async (_options, command: Command) => {
      await withHome(command, 'write', async (ctx, out) => {
        await writeMode(ctx, mode, actor());
        // A disabled tick writes nothing: who reads the metrics file learns of the mode here.
        if (ctx.config.metrics.textfile !== undefined) {
          const { renewTextfile } = await import('../tick/textfile.ts');
          await renewTextfile(ctx);
        }
        const now = modeState(ctx);
        out.data({ schema: 'kloros.mode/v1', stored: mode, ...now }, () =>
          now.origin === 'environment'
            ? `stored: ${mode}; in force: ${now.mode}, because ${MODE_VARIABLE} says so`
            : `mode: ${mode}`,
        );
      });
    });
}

export const enableCommand = () => modeCommand('enable', 'enabled', 'let the loop act');
export const observeCommand = () =>
  modeCommand('observe', 'observe', 'decide and record what would be done; act on nothing');
export const disableCommand = () => modeCommand('disable', 'disabled', 'do nothing, write nothing');
