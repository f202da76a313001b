import { Command, Option } from 'commander';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import type { PromotionState } from '../promotion/types.ts';
import { wholeNumber } from './arguments.ts';
import { actor, withHome } from './home.ts';
import { promotionsTable, promotionWords } from './promotion-words.ts';
import { readStdin } from './stdin.ts';

const STATES: readonly PromotionState[] = [
  'received',
  'screened',
  'accepted',
  'escrowed',
  'approved',
  'committed',
  'rejected',
  'refused',
  'expired',
  'superseded',
];

interface ListOptions {
  readonly state?: readonly PromotionState[];
  readonly experiment?: string;
  readonly countUnacked?: boolean;
  readonly limit: number;
}

async function list(options: ListOptions, command: Command): Promise<void> {
  await withHome(command, 'read', async (ctx, out) => {
    const { countUnacked, listPromotions } = await import('../promotion/records.ts');
    if (options.countUnacked) {
      const unacked = await countUnacked(ctx.db);
      out.data({ schema: 'kloros.promotions-count/v1', unacked }, (c) => String(c.unacked));
      return;
    }
    const { state: states, experiment, limit } = options;
    const promotions = await listPromotions(ctx.db, { states, experiment, limit, newestFirst: true });
    out.data({ schema: 'kloros.promotions/v1', promotions }, (p) =>
      promotionsTable(p.promotions, ctx.clock.now()),
    );
  });
}

const withListOptions = (command: Command): Command =>
  command
    .addOption(new Option('--state <states...>', 'only in these states').choices(STATES))
    .option('--experiment <name>', 'only of this experiment')
    .option('--count-unacked', 'only how many have no final answer yet')
    .option('-n, --limit <count>', 'the newest so many', wholeNumber(1), 50);

function listCommand(): Command {
  return withListOptions(new Command('list').description('promotions, newest first'))
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros promotions list --state screened accepted\n  $ kloros promotions list --count-unacked',
    )
    .action((_options, command: Command) => list(command.optsWithGlobals<ListOptions>(), command));
}

function showCommand(): Command {
  return new Command('show')
    .description('one promotion: what it changes, how it stands and how it got there')
    .argument('<id>')
    .addHelpText('after', '\nExamples:\n  $ kloros promotions show sqlite-20261124T031500Z-1')
    .action(async (id: string, _options, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { getPromotion } = await import('../promotion/records.ts');
        const { readEvents } = await import('../store/ledger.ts');
        const promotion = await getPromotion(ctx.db, id);
        if (!promotion)
          throw new KlorosError('KLR_E_NOT_FOUND', `there is no promotion ${JSON.stringify(id)}`, {
            hint: 'List them with `kloros promotions list`; a file that was just submitted is received by the next tick.',
          });
        const history = await readEvents(ctx.db, { subject: id, limit: 100 });
        out.data({ schema: 'kloros.promotion/v1', promotion, history }, (p) =>
          promotionWords(p.promotion, p.history, ctx.clock.now()),
        );
      });
    });
}

async function readDocument(ctx: Context, file: string): Promise<unknown> {
  if (file !== '-') {
    const { readPromotionFile } = await import('../promotion/submit.ts');
    return readPromotionFile(ctx, file);
  }
  const { parseStrictJson } = await import('../files/strict-json.ts');
  const parsed = parseStrictJson(await readStdin());
  if (!parsed.ok) throw new KlorosError('KLR_E_PROMOTION_INVALID', `stdin: ${parsed.reason}`);
  return parsed.value;
}

/** Who asks for the change, for the record and for escrow.four_eyes, whatever the document says. */
function signed(document: unknown): unknown {
  const isObject = document !== null && typeof document === 'object' && !Array.isArray(document);
  return isObject ? { ...document, requested_by: actor() } : document;
}

function submitCommand(): Command {
  return new Command('submit')
    .description('propose a change of the baseline: a promotion of schema v1 or v2')
    .argument('<file>', 'JSON; - for stdin')
    .addHelpText(
      'after',
      `
Examples:
  $ kloros promotions submit bigger-cache.json
  $ echo '{"schema":"v2","id":"bigger-cache","timestamp":1764000000,"fitness":1,
      "experiment":"sqlite","changes":{"cache_size":4096}}' | kloros promotions submit -`,
    )
    .action(async (file: string, _options, command: Command) => {
      await withHome(command, 'write', async (ctx, out) => {
        const { submitPromotion } = await import('../promotion/submit.ts');
        const { currentBaseline } = await import('../baseline/current.ts');
        const document = signed(await readDocument(ctx, file));
        const submitted = await submitPromotion(ctx, await currentBaseline(ctx.db, ctx.config), document);
        out.data(
          { schema: 'kloros.promotion-submitted/v1', ...submitted },
          (s) =>
            `submitted ${s.id} for ${s.experiment}: the next tick receives promotions/${s.file}\nsee: kloros promotions show ${s.id}`,
        );
      });
    });
}

export function promotionsCommand(): Command {
  return withListOptions(new Command('promotions').description('proposed changes of the baseline'))
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(submitCommand())
    .addHelpText('after', '\nExamples:\n  $ kloros promotions\n  $ kloros promotions --count-unacked')
    .action((options: ListOptions, command: Command) => list(options, command));
}
