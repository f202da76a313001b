import { Command } from 'commander';
import type { Why } from '../tick/why.ts';
import { withHome } from './home.ts';
import { table } from './output.ts';
import { relative, valueWords } from './words.ts';

function whyWords(why: Why, now: number): string {
  const links = why.links.map((link) => [
    link.what,
    link.id,
    link.ts === null ? '' : relative(link.ts, now),
    link.words,
  ]);
  return `${why.experiment}.${why.parameter} = ${valueWords(why.value)}\n\n${table(['BY', 'ID', 'WHEN', 'WHY'], links)}`;
}

export function whyCommand(): Command {
  return new Command('why')
    .description('which version, approval, verdict, promotion and trials put the present value there')
    .argument('<parameter>', 'its name, or experiment.parameter')
    .addHelpText('after', '\nExamples:\n  $ kloros why cache_size\n  $ kloros why sqlite.cache_size --json')
    .action(async (parameter: string, _options, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { why } = await import('../tick/why.ts');
        out.data(await why(ctx, parameter), (answer) => whyWords(answer, ctx.clock.now()));
      });
    });
}
