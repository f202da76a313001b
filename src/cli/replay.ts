import { Command } from 'commander';
import { KlorosError } from '../errors.ts';
import type { Replay } from '../tick/replay.ts';
import { withHome } from './home.ts';
import { pairs } from './output.ts';

const replayWords = (r: Replay) =>
  pairs([
    [r.kind, r.id],
    ['same', r.same ? 'yes, bit for bit' : 'NO'],
    ['decided', r.words],
    ['by', `${r.programs.decided ?? 'a version that is not on record'}, replayed by ${r.programs.replayed}`],
    ['SHA-256', r.sha256],
  ]);

export function replayCommand(): Command {
  return new Command('replay')
    .description('compute a decision again from the ledger, bit for bit; changes nothing')
    .argument('<id>', 'the number of a tick in the ledger, or the id of a cycle or an epoch')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros replay 421\n  $ kloros replay phase-20261124T031500Z-4f2a --json',
    )
    .action(async (id: string, _options, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { replay } = await import('../tick/replay.ts');
        const found = await replay(ctx, id);
        out.data(found, replayWords);
        if (!found.same) throw new KlorosError('KLR_E_REPLAY_DIFFERS', found.words, { where: id });
      });
    });
}
