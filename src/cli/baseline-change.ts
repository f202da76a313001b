import { resolve } from 'node:path';
import { Command } from 'commander';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { versionNumber } from './arguments.ts';
import { differencesTable } from './baseline-words.ts';
import { confirm } from './confirm.ts';
import { actor, withHome } from './home.ts';

interface RollbackOptions {
  readonly to?: number;
  readonly reason?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** What a roll-back would do: the values, the files, what runs. */
async function plan(ctx: Context, wanted: number | undefined) {
  const { planRollback } = await import('../baseline/rollback.ts');
  const { diffBaselines } = await import('../baseline/diff.ts');
  const { throughConfig } = await import('../baseline/current.ts');
  const { current, to, params } = await planRollback(ctx.db, ctx, wanted);
  const restored = throughConfig({ ...current, params }, ctx.config);
  const applies = Object.values(ctx.config.experiments).flatMap(({ apply }) => (apply ? [apply] : []));
  return {
    schema: 'kloros.rollback-plan/v1',
    from: current.version,
    restores: to,
    becomes: current.version + 1,
    differences: diffBaselines(current, restored),
    files: applies.map(({ file }) => resolve(ctx.configDir, file)),
    commands: applies.flatMap(({ reload, health }) => [reload, health]).filter((c) => c !== undefined),
  };
}

type Plan = Awaited<ReturnType<typeof plan>>;

function planWords(p: Plan): string {
  const values =
    p.differences.length === 0
      ? 'the values stay the same'
      : differencesTable(p.differences, `IN FORCE (V${p.from})`, `RESTORED (V${p.restores})`);
  return [
    `roll back from v${p.from} to the content of v${p.restores}, as v${p.becomes}`,
    values,
    [...p.files.map((file) => `writes ${file}`), ...p.commands.map((c) => `runs   ${c.join(' ')}`)].join(
      '\n',
    ),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

async function rollback(options: RollbackOptions, command: Command): Promise<void> {
  await withHome(command, options.dryRun ? 'read' : 'write', async (ctx, out) => {
    const planned = await plan(ctx, options.to);
    if (options.dryRun) {
      out.data(planned, (p) => `would ${planWords(p)}`);
      return;
    }
    await confirm(command, {
      plan: planWords(planned),
      word: `v${planned.restores}`,
      yes: options.yes ?? false,
    });
    const { takeBack } = await import('../tick/take-back.ts');
    const by = actor();
    const back = await takeBack(ctx, {
      to: planned.restores,
      actor: by,
      reason: options.reason ?? `asked for by ${by}`,
    });
    out.data(
      { schema: 'kloros.rollback/v1', version: back.version, restores: back.restores, params: back.params },
      (b) =>
        `v${b.version} is in force, with the content of v${b.restores ?? 0}\nundo: kloros baseline rollback --to ${planned.from}`,
    );
  });
}

export function rollbackCommand(): Command {
  return new Command('rollback')
    .description(
      'bring an earlier version back into force, as a new version; never waits for a search or an epoch',
    )
    .option('--to <version>', 'default: the version before; 0 is what kloros.yaml declares', versionNumber)
    .option('--reason <text>', 'why, for the record')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'print the plan; change nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros baseline rollback --dry-run\n  $ kloros baseline rollback --to 3 --reason "alarms since 03:10" --yes',
    )
    .action(rollback);
}

export function pinCommand(): Command {
  return new Command('pin')
    .description('keep the files of a version: retention never prunes it')
    .argument('<version>', 'such as 3 or v3', versionNumber)
    .option('--note <text>', 'why', 'known good')
    .option('--dry-run', 'say what would be done; change nothing')
    .addHelpText('after', '\nExamples:\n  $ kloros baseline pin 3 --note "good through Black Friday"')
    .action(async (version: number, options: { note: string; dryRun?: boolean }, command: Command) => {
      await withHome(command, options.dryRun ? 'read' : 'write', async (ctx, out) => {
        const { getBaseline } = await import('../baseline/current.ts');
        const { pinVersion } = await import('../baseline/pins.ts');
        if (!(await getBaseline(ctx.db, version)))
          throw new KlorosError('KLR_E_NOT_FOUND', `there is no baseline v${version}`, {
            hint: 'List the versions with `kloros baseline log`.',
          });
        const dryRun = options.dryRun ?? false;
        if (!dryRun) await pinVersion(ctx, version, { note: options.note, actor: actor() });
        out.data({ schema: 'kloros.pin/v1', version, pinned: !dryRun, dryRun, note: options.note }, (p) =>
          p.dryRun
            ? `would pin v${p.version}: ${p.note}`
            : `v${p.version} is pinned: ${p.note}\nundo: kloros baseline unpin ${p.version}`,
        );
      });
    });
}

export function unpinCommand(): Command {
  return new Command('unpin')
    .description('take a pin away')
    .argument('<version>', 'such as 3 or v3', versionNumber)
    .option('--dry-run', 'say what would be done; change nothing')
    .addHelpText('after', '\nExamples:\n  $ kloros baseline unpin 3')
    .action(async (version: number, options: { dryRun?: boolean }, command: Command) => {
      await withHome(command, options.dryRun ? 'read' : 'write', async (ctx, out) => {
        const { listPins, unpinVersion } = await import('../baseline/pins.ts');
        if (!(await listPins(ctx.db)).some((pin) => pin.version === version))
          throw new KlorosError('KLR_E_NOT_FOUND', `v${version} is not pinned`, {
            hint: 'See which are with `kloros baseline log`.',
          });
        const dryRun = options.dryRun ?? false;
        if (!dryRun) await unpinVersion(ctx, version, actor());
        out.data({ schema: 'kloros.pin/v1', version, pinned: dryRun, dryRun }, (p) =>
          p.dryRun ? `would take the pin of v${p.version} away` : `v${p.version} is no longer pinned`,
        );
      });
    });
}
