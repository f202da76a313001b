import { Command } from 'commander';
import { actor, globalsOf, homeOf, outputOf, withHome } from './home.ts';
import { pairs } from './output.ts';
import { plural, timeOf } from './words.ts';

export function backupCommand(): Command {
  return new Command('backup')
    .description('a consistent copy of the home in one file, while the loop goes on')
    .argument('<file>', 'outside the home; an SQLite database that holds the files too')
    .option('--force', 'take the place of a file that stands there, which is kept as .bak')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros backup /var/backups/kloros.backup\n  $ kloros backup "/var/backups/kloros-$(date +%F).backup"',
    )
    .action(async (file: string, options: { force?: boolean }, command: Command) => {
      await withHome(command, 'write', async (ctx, out) => {
        const { createBackup } = await import('../backup/create.ts');
        const configFile = globalsOf(command).config;
        const { config: _, ...made } = await createBackup(ctx, file, { ...options, configFile });
        out.data({ ...made }, (b) =>
          [
            `${b.file}: ${plural(b.files, 'file')} and the database, ${Math.ceil(b.bytes / 1024)} KiB`,
            ...(b.kept === null ? [] : [`kept: ${b.kept}`]),
            'try it: kloros --home /tmp/kloros-restored restore FILE',
          ].join('\n'),
        );
      });
    });
}

export function restoreCommand(): Command {
  return new Command('restore')
    .description('make a home of a backup; it is verified, and disabled until you enable it')
    .argument('<file>', 'what `kloros backup` wrote')
    .option('--force', 'take the place of a home that stands there, which is kept as .bak')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros --home /tmp/kloros-restored restore kloros.backup\n  $ kloros restore --force kloros.backup',
    )
    .action(async (file: string, options: { force?: boolean }, command: Command) => {
      const { restoreBackup } = await import('../backup/restore.ts');
      const home = homeOf(globalsOf(command));
      const restored = await restoreBackup({ file, home, actor: actor(), ...options });
      outputOf(command).data({ schema: 'kloros.restore/v1', ...restored }, (r) =>
        [
          pairs([
            ['home', r.home],
            ['of', timeOf(r.takenAt)],
            [
              'verified',
              `${plural(r.events, 'event')}, ${plural(r.baselines, 'baseline')}, ${plural(r.files, 'file')}`,
            ],
            ['config', r.configFile],
            ...(r.kept === null ? [] : [['kept', r.kept] as const]),
          ]),
          'next:  kloros doctor && kloros enable',
        ].join('\n'),
      );
    });
}
