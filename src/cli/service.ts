import { Command } from 'commander';
import { EXIT } from '../errors.ts';
import { type ServiceOptions, serviceOf, withServiceOptions } from './service-options.ts';
import { changeWords, diffWords, statusOf, statusWords, unitsWords } from './service-words.ts';

async function install(options: ServiceOptions, command: Command): Promise<void> {
  const { settings, place, out } = await serviceOf(command, options);
  if (options.dryRun) {
    const { generateUnits } = await import('../service/units.ts');
    const units = generateUnits(settings);
    out.data({ schema: 'kloros.units/v1', folder: place.folder, units }, unitsWords);
    return;
  }
  const { installService } = await import('../service/install.ts');
  const change = installService(settings, place, { force: options.force ?? false });
  out.data({ schema: 'kloros.service-install/v1', ...change }, (c) =>
    [
      ...changeWords(c),
      c.started ? 'started' : 'not started: no systemd of this scope runs here, or --unit-dir is given',
      'next:    kloros enable && kloros service status',
    ].join('\n'),
  );
}

function installCommand(): Command {
  return withServiceOptions(
    new Command('install')
      .description('write the units and start them; again after kloros.yaml changed its budgets or targets')
      .option('--dry-run', 'print the units, and write nothing')
      .option('--force', 'take the place of edited or foreign units, which are kept as .bak'),
  )
    .addHelpText(
      'after',
      `\nExamples:
  $ kloros --home /var/lib/kloros service install
  $ kloros service install --user --mode daemon --listen 127.0.0.1:9464
  $ kloros service install --dry-run`,
    )
    .action(install);
}

async function uninstall(options: ServiceOptions, command: Command): Promise<void> {
  const { settings, place, out } = await serviceOf(command, options);
  const { uninstallService, unitFiles } = await import('../service/install.ts');
  if (options.dryRun) {
    const there = unitFiles(settings, place).filter(({ state }) => state !== 'absent');
    const would = there.map(({ path, state }) => ({ path, state }));
    out.data({ schema: 'kloros.service-uninstall/v1', would }, (d) =>
      d.would.length === 0
        ? 'there is nothing to remove'
        : d.would.map(({ path, state }) => `would remove ${path} (${state})`).join('\n'),
    );
    return;
  }
  const change = uninstallService(settings, place, { force: options.force ?? false });
  out.data({ schema: 'kloros.service-uninstall/v1', ...change }, (c) =>
    [...changeWords(c), `the home stays: ${settings.home}`].join('\n'),
  );
}

function uninstallCommand(): Command {
  return withServiceOptions(
    new Command('uninstall')
      .description('stop the service and take its units away; the home stays')
      .option('--dry-run', 'say what would go')
      .option('--force', 'also edited or foreign units, which are kept as .bak'),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros service uninstall\n  $ kloros service uninstall --user --dry-run',
    )
    .action(uninstall);
}

function diffCommand(): Command {
  return withServiceOptions(
    new Command('diff').description(
      'how the installed units differ from what would be written; exit 78 when they do',
    ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros service diff\n  $ kloros service diff --user --mode daemon',
    )
    .action(async (options: ServiceOptions, command: Command) => {
      const { settings, place, out } = await serviceOf(command, options);
      const { unitFiles } = await import('../service/install.ts');
      const { unitDiff } = await import('../service/diff.ts');
      const units = unitFiles(settings, place)
        .filter(({ state, wanted }) => wanted !== null || state !== 'absent')
        .map((file) => ({ path: file.path, state: file.state, diff: unitDiff(file) }));
      out.data({ schema: 'kloros.service-diff/v1', units }, diffWords);
      if (units.some(({ state }) => state !== 'current')) process.exitCode = EXIT.config;
    });
}

function statusCommand(): Command {
  return withServiceOptions(
    new Command('status').description('units, whether they run, and when the timer elapses next'),
  )
    .addHelpText('after', '\nExamples:\n  $ kloros service status\n  $ kloros service status --json')
    .action(async (options: ServiceOptions, command: Command) => {
      const { settings, place, out } = await serviceOf(command, options);
      out.data({ schema: 'kloros.service/v1', ...(await statusOf(settings, place)) }, statusWords);
    });
}

export function serviceCommand(): Command {
  return new Command('service')
    .description(
      'run under systemd: units that follow from kloros.yaml, sandboxed, never overwritten by surprise',
    )
    .addCommand(installCommand())
    .addCommand(uninstallCommand())
    .addCommand(diffCommand())
    .addCommand(statusCommand())
    .addHelpText('after', '\nExamples:\n  $ kloros service install\n  $ kloros service diff');
}
