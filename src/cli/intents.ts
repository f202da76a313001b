import { Command, Option } from 'commander';
import { KlorosError } from '../errors.ts';
import type { ListedIntent } from '../intent/rows.ts';
import type { IntentState, IntentType } from '../intent/types.ts';
import { versionNumber, wholeNumber } from './arguments.ts';
import { actor, withHome } from './home.ts';
import { table } from './output.ts';
import { paramWords, plural, relative } from './words.ts';

const TYPES: readonly IntentType[] = ['trigger_dream', 'trigger_phase', 'rollback', 'reflect'];
const STATES: readonly IntentState[] = [
  'waiting',
  'done',
  'failed',
  'duplicate',
  'stale',
  'overflow',
  'invalid',
  'quarantined',
];

interface SubmitOptions {
  readonly experiment?: string;
  readonly trials?: number;
  readonly seed?: number;
  readonly to?: number;
  readonly priority: number;
  readonly reason?: string;
  readonly data?: string;
}

/** The fields of an intent: those of --data, with what has an option of its own on top. */
async function dataOf({
  experiment,
  trials,
  seed,
  to,
  data,
}: SubmitOptions): Promise<Record<string, unknown>> {
  const { parseStrictJson } = await import('../files/strict-json.ts');
  const parsed = parseStrictJson(data ?? '{}');
  const isObject =
    parsed.ok && parsed.value !== null && typeof parsed.value === 'object' && !Array.isArray(parsed.value);
  if (!isObject)
    throw new KlorosError('KLR_E_USAGE', `--data is no JSON object: ${parsed.ok ? data : parsed.reason}`, {
      where: '--data',
      hint: `Write it like --data '{"experiment":"sqlite"}'.`,
    });
  const named = Object.entries({ experiment, trials, seed, to }).filter(([, value]) => value !== undefined);
  return { ...(parsed.value as object), ...Object.fromEntries(named) };
}

function submitCommand(): Command {
  return new Command('submit')
    .description('ask the loop for something: the next tick takes it in')
    .argument('<type>', TYPES.join(', '))
    .option('--experiment <name>', 'of trigger_dream')
    .option('--trials <count>', 'of trigger_dream', wholeNumber(1))
    .option('--seed <number>', 'of trigger_dream', wholeNumber(0, 2 ** 32 - 1))
    .option('--to <version>', 'of rollback', versionNumber)
    .option('--priority <0-10>', '10 is handled first', wholeNumber(0, 10), 5)
    .option('--reason <text>', 'why, for the record')
    .option('--data <json>', 'further fields')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros intents submit trigger_dream --experiment sqlite --reason "new disks"\n  $ kloros intents submit rollback --to 3 --priority 10 --reason "alarms since 03:10"',
    )
    .action(async (type: string, options: SubmitOptions, command: Command) => {
      await withHome(command, 'write', async (ctx, out) => {
        const { submitIntent } = await import('../intent/submit.ts');
        const emittedBy = actor();
        const file = submitIntent(ctx, {
          type: type as IntentType,
          priority: options.priority,
          reason: options.reason ?? `asked for by ${emittedBy}`,
          data: await dataOf(options),
          emittedBy,
        });
        out.data(
          { schema: 'kloros.intent-submitted/v1', file, type },
          (s) => `submitted: the next tick takes in intents/${s.file}\nsee: kloros intents list`,
        );
      });
    });
}

function intentsTable(intents: readonly ListedIntent[], now: number): string {
  return table(
    ['ID', 'STATE', 'PRIORITY', 'ASKED', 'BY', 'WHAT', 'WHY, AND WHAT CAME OF IT'],
    intents.map((i) => [
      i.id,
      i.state,
      String(i.priority),
      relative(i.generatedAt, now),
      i.emittedBy,
      `${i.type} ${paramWords(i.data)}`.trimEnd(),
      i.outcome === null ? i.reason : `${i.reason} → ${i.outcome}`,
    ]),
  );
}

function listCommand(): Command {
  return new Command('list')
    .description('what waits, in the order in which it is handled; with --all also what ended')
    .addOption(new Option('--state <states...>', 'only in these states').choices(STATES).conflicts('all'))
    .option('--all', 'in every state')
    .option('-n, --limit <count>', 'at most so many', wholeNumber(1), 100)
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros intents list\n  $ kloros intents list --state failed quarantined',
    )
    .action(
      async (options: { state?: readonly IntentState[]; all?: boolean; limit: number }, command: Command) => {
        await withHome(command, 'read', async (ctx, out) => {
          const { listIntents } = await import('../intent/queue.ts');
          const states = options.all ? undefined : (options.state ?? ['waiting']);
          const intents = await listIntents(ctx.db, { states, limit: options.limit });
          const { intents: folder } = ctx.paths;
          const files = ctx.fs.existsSync(folder) ? ctx.fs.readdirSync(folder) : [];
          const dropped = files.filter((name) => name.endsWith('.json')).length;
          out.data({ schema: 'kloros.intents/v1', intents, dropped }, (i) => {
            const more = i.dropped > 0 ? `${plural(i.dropped, 'file')} in intents/ for the next tick` : null;
            const listed = i.intents.length > 0 ? intentsTable(i.intents, ctx.clock.now()) : null;
            return [listed, more].filter((part) => part !== null).join('\n\n') || 'no intent waits';
          });
        });
      },
    );
}

export function intentsCommand(): Command {
  return new Command('intents')
    .description('requests to the loop: search, validate, roll back, reflect')
    .addCommand(submitCommand())
    .addCommand(listCommand())
    .addHelpText('after', '\nExamples:\n  $ kloros intents submit reflect\n  $ kloros intents list --all');
}
