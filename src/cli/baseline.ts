import { Command } from 'commander';
import type { Baseline } from '../baseline/types.ts';
import type { Context } from '../context.ts';
import { EXIT, KlorosError } from '../errors.ts';
import { versionNumber, wholeNumber } from './arguments.ts';
import { pinCommand, rollbackCommand, unpinCommand } from './baseline-change.ts';
import { baselineWords, chainWords, differencesTable, type LogEntry, logTable } from './baseline-words.ts';
import { withHome } from './home.ts';

const text = 'the number of a version, such as 3 or v3; 0 is what kloros.yaml declares';

async function versionAt(ctx: Context, version: number | undefined): Promise<Baseline> {
  const { baselineAt, currentBaseline } = await import('../baseline/current.ts');
  if (version === undefined) return currentBaseline(ctx.db, ctx.config);
  const found = await baselineAt(ctx.db, ctx.config, version);
  if (found) return found;
  throw new KlorosError('KLR_E_NOT_FOUND', `there is no baseline v${version}`, {
    hint: 'List the versions with `kloros baseline log`.',
  });
}

function showCommand(): Command {
  return new Command('show')
    .description('the baseline in force, or an earlier version: values, origin, hashes')
    .argument('[version]', text, versionNumber)
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros baseline show\n  $ kloros baseline show 3 --json | jq .baseline.params',
    )
    .action(async (version: number | undefined, _options, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { listPins } = await import('../baseline/pins.ts');
        const baseline = await versionAt(ctx, version);
        const pin = (await listPins(ctx.db)).find((p) => p.version === baseline.version) ?? null;
        out.data({ schema: 'kloros.baseline/v1', baseline, pin }, (b) =>
          baselineWords(b.baseline, b.pin, ctx.clock.now()),
        );
      });
    });
}

/** Versions, newest first, each with what it changed of the one before. */
async function entries(ctx: Context, limit: number): Promise<LogEntry[]> {
  const { initialBaseline, listBaselines } = await import('../baseline/current.ts');
  const { diffBaselines } = await import('../baseline/diff.ts');
  const { listPins } = await import('../baseline/pins.ts');
  const pinned = new Set((await listPins(ctx.db)).map((p) => p.version));
  const versions = await listBaselines(ctx.db, { limit: limit + 1 });
  return versions.slice(0, limit).map(({ content: _, ...baseline }, i) => ({
    ...baseline,
    pinned: pinned.has(baseline.version),
    changes: diffBaselines(versions[i + 1] ?? initialBaseline(ctx.config), baseline),
  }));
}

function logCommand(): Command {
  return new Command('log')
    .description('every version, newest first: what it changed, who or what brought it')
    .option('-n, --limit <count>', 'the newest so many', wholeNumber(1), 50)
    .addHelpText('after', '\nExamples:\n  $ kloros baseline log\n  $ kloros baseline log -n 5 --json')
    .action(async (options: { limit: number }, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const versions = await entries(ctx, options.limit);
        out.data({ schema: 'kloros.baseline-log/v1', versions }, (l) =>
          logTable(l.versions, ctx.clock.now()),
        );
      });
    });
}

function diffCommand(): Command {
  return new Command('diff')
    .description('what differs between two versions')
    .argument('<a>', text, versionNumber)
    .argument('<b>', text, versionNumber)
    .addHelpText('after', '\nExamples:\n  $ kloros baseline diff 2 3\n  $ kloros baseline diff 0 3')
    .action(async (a: number, b: number, _options, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { diffBaselines } = await import('../baseline/diff.ts');
        const differences = diffBaselines(await versionAt(ctx, a), await versionAt(ctx, b));
        out.data({ schema: 'kloros.baseline-diff/v1', a, b, differences }, (d) =>
          d.differences.length === 0
            ? `v${d.a} and v${d.b} have the same values`
            : differencesTable(d.differences, `V${d.a}`, `V${d.b}`),
        );
      });
    });
}

function verifyCommand(): Command {
  return new Command('verify')
    .description('check the chain of versions, its hashes and its files; exit 65 when something is wrong')
    .addHelpText('after', '\nExamples:\n  $ kloros baseline verify')
    .action(async (_options, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { verifyChain } = await import('../baseline/chain.ts');
        const result = await verifyChain(ctx);
        out.data({ schema: 'kloros.baseline-verify/v1', ...result }, chainWords);
        if (!result.ok) process.exitCode = EXIT.data;
      });
    });
}

export function baselineCommand(): Command {
  return new Command('baseline')
    .description('the configuration in force, and its versions')
    .addCommand(showCommand())
    .addCommand(logCommand())
    .addCommand(diffCommand())
    .addCommand(verifyCommand())
    .addCommand(rollbackCommand())
    .addCommand(pinCommand())
    .addCommand(unpinCommand())
    .addHelpText('after', '\nExamples:\n  $ kloros baseline show\n  $ kloros baseline rollback --dry-run');
}
