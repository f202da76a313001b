import { createInterface } from 'node:readline';
import { Command } from 'commander';

export function askTellCommand(): Command {
  return new Command('ask-tell')
    .description('the search for programs in any language: one JSON object a line on stdin, one on stdout')
    .addHelpText(
      'after',
      `
Lines: init {space, directions, budget, seed?, noise?, parallel?, sampler?}, ask, tell {id, values | failed}, recommend,
state. A bad line is answered with {"error", "code"} and changes nothing. No home is needed.

Examples:
  $ printf '%s\\n' '{"op":"init","space":[{"name":"x","type":"float","low":0,"high":1}],"directions":["min"],"budget":9}' \\
      '{"op":"ask"}' | kloros ask-tell`,
    )
    .action(async () => {
      const { createAskTellSession } = await import('../dream/ask-tell.ts');
      const session = createAskTellSession();
      for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY }))
        if (line.trim() !== '') process.stdout.write(`${session(line)}\n`);
    });
}
