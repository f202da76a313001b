import { Command } from 'commander';
import type { SearchAdvice } from '../heuristics/types.ts';
import type { LearnedOverview } from '../tick/learned.ts';
import { withHome } from './home.ts';
import { importanceWords } from './importance-words.ts';
import { pairs, table } from './output.ts';
import { lengthOf, paramWords, percent, plural, relative } from './words.ts';

const mean = (sum: number, n: number) => (n === 0 ? '–' : percent(sum / n));

function focusWords(focus: SearchAdvice['focus']): string {
  if (focus === null) return 'the whole space';
  return Object.entries(focus)
    .map(([name, { low, high }]) => `${name} ${Number(low.toPrecision(4))}…${Number(high.toPrecision(4))}`)
    .join(', ');
}

function experimentWords(known: LearnedOverview, now: number): string {
  const { experiment, learned: l, advice, analysis, cycle } = known;
  const lines: (readonly [string, string])[] = [
    [experiment, advice.reason],
    ['  search in', focusWords(advice.focus)],
    ['  cycles', `${l.cycles}, ${lengthOf(l.elapsedMs)}, ${mean(l.gainSum, l.cycles)} a cycle`],
    ['  last', l.lastCycleAt === null ? 'never' : relative(l.lastCycleAt, now)],
    ['  accepted', `${l.accepted.length} kept, ${l.rejected} rejected, ${l.rolledBack} rolled back`],
    [
      '  optimism',
      `${mean(l.optimismSum, l.verdicts)} claimed beyond what PHASE measured (${plural(l.verdicts, 'verdict')})`,
    ],
  ];
  const facts = pairs([
    ...lines,
    ...l.accepted.map(
      (a) => ['  ', `${percent(a.gain)}${a.stale ? ', elsewhere' : ''}: ${paramWords(a.params)}`] as const,
    ),
  ]);
  if (analysis === null) return facts;
  return `${facts}\n\nwhat decided ${cycle}:\n${importanceWords(analysis)}`;
}

function heuristicsWords(shown: readonly LearnedOverview[], now: number): string {
  const ranking = shown.map((s, i) => [
    String(i + 1),
    s.experiment,
    s.score?.toFixed(3) ?? 'first',
    s.reason,
  ]);
  return [
    table(['NEXT', 'EXPERIMENT', 'SCORE', 'WHY'], ranking),
    ...shown.map((s) => experimentWords(s, now)),
  ].join('\n\n');
}

function showCommand(): Command {
  return new Command('show')
    .description(
      'which experiment deserves the next cycle, where it should search, what was learned, and which parameters decide',
    )
    .addHelpText('after', '\nExamples:\n  $ kloros heuristics show\n  $ kloros heuristics show --json')
    .action(async (_options, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { learnedOverview } = await import('../tick/learned.ts');
        const experiments = await learnedOverview(ctx);
        out.data({ schema: 'kloros.heuristics/v1', experiments }, (h) =>
          heuristicsWords(h.experiments, ctx.clock.now()),
        );
      });
    });
}

export function heuristicsCommand(): Command {
  return new Command('heuristics')
    .description('what was learned of each experiment')
    .addCommand(showCommand())
    .addHelpText('after', '\nExamples:\n  $ kloros heuristics show');
}
