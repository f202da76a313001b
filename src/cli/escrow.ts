import { Command, Option } from 'commander';
import type { EscrowState } from '../escrow/types.ts';
import { hashPrefix } from './arguments.ts';
import { autonomyCommand } from './escrow-autonomy.ts';
import { decisionWords, entriesTable, entryWords } from './escrow-words.ts';
import { actor, withHome } from './home.ts';

const STATES: readonly EscrowState[] = ['waiting', 'approved', 'rejected', 'expired', 'used', 'void'];

function listCommand(): Command {
  return new Command('list')
    .description('what waits for a person; with --all also what was decided')
    .addOption(new Option('--state <states...>', 'only in these states').choices(STATES).conflicts('all'))
    .option('--all', 'in every state')
    .addHelpText('after', '\nExamples:\n  $ kloros escrow list\n  $ kloros escrow list --all --json')
    .action(async (options: { state?: readonly EscrowState[]; all?: boolean }, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { listEntries } = await import('../escrow/queue.ts');
        const states = options.all ? undefined : (options.state ?? ['waiting']);
        const entries = await listEntries(ctx.db, { states });
        out.data({ schema: 'kloros.escrow/v1', entries }, (e) => entriesTable(e.entries, ctx.clock.now()));
      });
    });
}

function showCommand(): Command {
  return new Command('show')
    .description(
      'one entry: the change, why it needs a person, its evidence, and the hash that a decision binds',
    )
    .argument('<id>')
    .addHelpText('after', '\nExamples:\n  $ kloros escrow show escrow-4f2a91c03b7d')
    .action(async (id: string, _options, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { getEntry } = await import('../escrow/queue.ts');
        const entry = await getEntry(ctx.db, id);
        out.data({ schema: 'kloros.escrow-entry/v1', entry }, (e) => entryWords(e.entry, ctx.clock.now()));
      });
    });
}

function decisionCommand(verb: 'approve' | 'reject', description: string, example: string): Command {
  return new Command(verb)
    .description(description)
    .argument('<id>')
    .requiredOption('--reason <text>', 'why, for the record')
    .option(
      '--sha <hash>',
      'the content hash that you saw (or its start): another change is not decided on',
      hashPrefix,
    )
    .addHelpText('after', `\nExamples:\n  $ kloros escrow ${verb} escrow-4f2a91c03b7d ${example}`)
    .action(async (id: string, options: { reason: string; sha?: string }, command: Command) => {
      await withHome(command, 'write', async (ctx, out) => {
        const decide = await import('../escrow/decide.ts');
        const { getEntry } = await import('../escrow/queue.ts');
        const { contentSha256 } = await getEntry(ctx.db, id);
        const seen = options.sha && contentSha256.startsWith(options.sha) ? contentSha256 : options.sha;
        const decision = { reviewer: actor(), reason: options.reason, contentSha256: seen };
        const entry = await decide[verb](ctx, id, decision);
        out.data({ schema: 'kloros.escrow-entry/v1', entry }, (e) => decisionWords(e.entry));
      });
    });
}

export function escrowCommand(): Command {
  return new Command('escrow')
    .description('accepted changes that wait for a person')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(
      decisionCommand(
        'approve',
        'let a change be committed: once, as it is now, until the entry expires',
        '--sha 9b74c9897bac --reason "fits the new disks"',
      ),
    )
    .addCommand(
      decisionCommand('reject', 'refuse a change; its promotion ends', '--reason "not before the release"'),
    )
    .addCommand(autonomyCommand())
    .addHelpText('after', '\nExamples:\n  $ kloros escrow list\n  $ kloros escrow show escrow-4f2a91c03b7d');
}
