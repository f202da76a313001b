import { Command } from 'commander';
import { globalsOf, homeOf, outputOf } from './home.ts';
import { table } from './output.ts';
import { plural, valueWords } from './words.ts';

/** The configuration file that is meant, checked; it needs no home. */
async function load(command: Command, file?: string) {
  const { findConfigFile } = await import('../home/config-file.ts');
  const { loadConfig } = await import('../config/load.ts');
  const options = globalsOf(command);
  const home = homeOf(options);
  const configFile = file ?? options.config;
  return loadConfig(await findConfigFile(home, { configFile, env: process.env }), { home });
}

/** The configuration with its units, and the schema by which it was written. */
async function written(config: unknown) {
  const { configJsonSchema } = await import('../config/json-schema.ts');
  const { asWritten } = await import('../config/written.ts');
  return asWritten(config, configJsonSchema()) as Record<string, unknown>;
}

function checkCommand(): Command {
  return new Command('check')
    .description('say whether kloros.yaml is sound; every mistake with its line')
    .argument('[file]', 'default: the file in force')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros config check\n  $ kloros config check /etc/kloros/kloros.yaml',
    )
    .action(async (file: string | undefined, _options, command: Command) => {
      const { config, file: checked, hash } = await load(command, file);
      const experiments = Object.keys(config.experiments);
      outputOf(command).data(
        { schema: 'kloros.config-check/v1', ok: true, file: checked, sha256: hash, experiments },
        (c) =>
          `${c.file} is sound: ${plural(experiments.length, 'experiment')} (${c.experiments.join(', ')})`,
      );
    });
}

function showCommand(): Command {
  return new Command('show')
    .description('the configuration in force, defaults included; it is a kloros.yaml itself')
    .option('--origin', 'where each value comes from: a line of the file, or the default')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros config show\n  $ kloros config show --origin\n  $ kloros config show --json | jq .config.phase.window',
    )
    .action(async (options: { origin?: boolean }, command: Command) => {
      const loaded = await load(command);
      const { file, hash } = loaded;
      const config = await written(loaded.config);
      const out = outputOf(command);
      if (options.origin) {
        const { originsOf } = await import('../config/origins.ts');
        const { basename } = await import('node:path');
        const values = [...originsOf(config, loaded.lines, basename(file))].map(([path, o]) => ({
          path,
          ...o,
        }));
        out.data({ schema: 'kloros.config-origins/v1', file, sha256: hash, values }, (c) =>
          table(
            ['PATH', 'VALUE', 'ORIGIN'],
            c.values.map((v) => [v.path, valueWords(v.value), v.origin]),
          ),
        );
        return;
      }
      const { stringify } = await import('yaml');
      out.data({ schema: 'kloros.config/v1', file, sha256: hash, config }, (c) => stringify(c.config));
    });
}

function schemaCommand(): Command {
  return new Command('schema')
    .description('the JSON Schema of kloros.yaml, for editors and other checks')
    .addHelpText('after', '\nExamples:\n  $ kloros config schema > kloros.schema.json')
    .action(async (_options, command: Command) => {
      const { configJsonSchema } = await import('../config/json-schema.ts');
      outputOf(command).data(configJsonSchema(), (schema) => JSON.stringify(schema, null, 2));
    });
}

export function configCommand(): Command {
  return new Command('config')
    .description('check and show kloros.yaml')
    .addCommand(checkCommand())
    .addCommand(showCommand())
    .addCommand(schemaCommand())
    .addHelpText('after', '\nExamples:\n  $ kloros config check\n  $ kloros config show --origin');
}
