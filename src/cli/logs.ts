import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { KlorosError } from '../errors.ts';
import { homePaths } from '../home/paths.ts';
import type { LogLine } from '../log/read.ts';
import { systemClock } from '../time/clock.ts';
import { momentBefore, wholeNumber } from './arguments.ts';
import { globalsOf, homeOf, outputOf } from './home.ts';
import type { Output } from './output.ts';
import { shutdownSignal } from './signals.ts';
import { valueWords } from './words.ts';

/** Between two looks at the log with --follow, ms. */
const FOLLOW_EVERY_MS = 250;
/** Without --since and --limit so many lines are enough. */
const LAST = 100;

interface Options {
  readonly follow?: boolean;
  readonly since?: number;
  readonly event?: string;
  readonly limit?: number;
}

function lineWords({ ts, event, ...fields }: LogLine): string {
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${valueWords(value)}`);
  return [ts, event, ...rest].join('  ').replaceAll('\n', ' ');
}

function print(out: Output, lines: readonly LogLine[]): void {
  out.lines(lines, (all) => all.map(lineWords).join('\n'));
}

/** The log is read without the database: it is what is left when that is broken. */
async function logs(options: Options, command: Command): Promise<void> {
  const { followLog, readLog } = await import('../log/read.ts');
  const home = homeOf(globalsOf(command));
  const { database, structuredLog } = homePaths(home);
  if (!existsSync(database))
    throw new KlorosError('KLR_E_HOME_MISSING', `there is no home of KLoROS in ${home}`, { where: home });
  const out = outputOf(command);
  const most = options.limit ?? (options.since === undefined ? LAST : Number.POSITIVE_INFINITY);
  let kept: LogLine[] = [];
  for await (const line of readLog(structuredLog, options)) {
    kept.push(line);
    if (kept.length >= 2 * most) kept = kept.slice(-most);
  }
  print(out, kept.slice(-most));
  if (!options.follow) {
    if (kept.length === 0) out.note('no such line in the log');
    return;
  }
  const signal = shutdownSignal();
  const sleep = (ms: number) => systemClock.sleep(ms, signal);
  const { event } = options;
  for await (const line of followLog(structuredLog, { event }, { signal, sleep, everyMs: FOLLOW_EVERY_MS }))
    print(out, [line]);
}

export function logsCommand(): Command {
  return new Command('logs')
    .description('the structured log, oldest line first; JSON Lines with --json')
    .option('-f, --follow', 'go on with new lines until Ctrl-C')
    .option('--since <time>', 'a duration ago (2h), or a date or time', momentBefore)
    .option('--event <name>', 'only lines of this event, such as tick')
    .option(
      '-n, --limit <count>',
      `the last so many lines (default: ${LAST}, with --since all)`,
      wholeNumber(1),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ kloros logs -f\n  $ kloros logs --since 2h --event tick\n  $ kloros logs --since 2026-11-24 --json | jq .reason',
    )
    .action(logs);
}
