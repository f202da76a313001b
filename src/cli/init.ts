import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { actor, globalsOf, homeOf, outputOf } from './home.ts';

export function initCommand(): Command {
  return new Command('init')
    .description('make a home, and a commented kloros.yaml to start from')
    .argument('[config]', 'where kloros.yaml stands or is written', 'kloros.yaml')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros init\n  $ kloros --home /var/lib/kloros init /etc/kloros/kloros.yaml',
    )
    .action(async (file: string, _options, command: Command) => {
      const out = outputOf(command);
      const { initHome } = await import('../home/init.ts');
      const config = resolve(globalsOf(command).config ?? file);
      const written = !existsSync(config);
      const paths = await initHome({ home: homeOf(globalsOf(command)), configFile: config, actor: actor() });
      out.data({ schema: 'kloros.init/v1', home: paths.root, config, written }, () =>
        [
          `home:   ${paths.root}`,
          `config: ${config}${written ? ' (a template: name your knobs in it)' : ''}`,
          'next:   kloros config check && kloros enable && kloros run',
        ].join('\n'),
      );
    });
}
