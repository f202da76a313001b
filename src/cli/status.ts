import { Command } from 'commander';
import type { Status } from '../tick/status.ts';
import { withHome } from './home.ts';
import { type Output, pairs } from './output.ts';
import { nextWords, outcomeWord } from './tick-words.ts';
import { moment, plural, relative } from './words.ts';

function alive(s: Status, out: Output): string {
  if (s.kill.set) return out.paint('red', `KILLED: ${s.kill.reason}`);
  if (s.mode.mode === 'disabled')
    return out.paint('yellow', `disabled${s.mode.problem ? ` (${s.mode.problem})` : ''}`);
  const mode = s.mode.mode === 'observe' ? 'observing, acts on nothing' : 'enabled';
  if (s.alive) return out.paint('green', `alive, ${mode}`);
  return out.paint('red', `not ticking, ${mode}: start it with \`kloros run\` or the timer`);
}

function now(s: Status): string {
  if (!s.running) return 'nothing is running';
  const { kind, reason, startedAt, trials, pid } = s.running;
  return `${kind}: ${reason}; ${plural(trials, 'trial')} done, started ${relative(startedAt, s.now)}, pid ${pid ?? '?'}`;
}

function waiting(s: Status): string {
  const w = s.waiting;
  const parts = [
    ...(w.escrow > 0
      ? [`${plural(w.escrow, 'escrow entry').replace('entrys', 'entries')} for you: kloros escrow list`]
      : []),
    ...(w.received > 0 ? [`${plural(w.received, 'promotion')} to be measured`] : []),
    ...(w.screened > 0 ? [`${plural(w.screened, 'promotion')} for PHASE`] : []),
    ...(w.accepted > 0 ? [`${plural(w.accepted, 'promotion')} to be committed`] : []),
    ...(w.intents > 0 ? [plural(w.intents, 'intent')] : []),
    ...(w.filesOwed > 0 ? [`${plural(w.filesOwed, 'file')} owed`] : []),
  ];
  return parts.length > 0 ? parts.join('; ') : 'nothing';
}

function inForce(s: Status): string {
  const b = s.baseline;
  if (b.version === 0) return 'v0: the defaults of kloros.yaml';
  const watch = s.watch
    ? `; watched until ${relative(s.watch.deadline, s.now)}, ${s.watch.checks} checks, ${s.watch.failures} failed`
    : '';
  return `v${b.version} (${b.kind}, ${relative(b.since, s.now)}, ${b.applyState})${watch}`;
}

/** One screen: is it alive, what did it do last and why, what comes next and when, what waits for me, what is in force. */
function statusWords(s: Status, out: Output): string {
  const last = s.lastTick;
  return pairs([
    ['home', s.home],
    ['loop', alive(s, out)],
    [
      'last',
      last ? `${outcomeWord(last.outcome, out)} ${relative(last.ts, s.now)}: ${last.reason}` : 'no tick yet',
    ],
    ['now', now(s)],
    ['next', last ? nextWords(last.next, s.now) : 'the first tick'],
    [
      'window',
      s.phase.nextWindowAt === null
        ? s.phase.reason
        : `${s.phase.reason}; opens ${moment(s.phase.nextWindowAt, s.now)}`,
    ],
    ['waiting', waiting(s)],
    ['in force', inForce(s)],
    ...Object.entries(s.baseline.params).map(
      ([experiment, params]) =>
        [
          `  ${experiment}`,
          Object.entries(params)
            .map(([name, value]) => `${name}=${value}`)
            .join(' '),
        ] as const,
    ),
  ]);
}

export function statusCommand(): Command {
  return new Command('status')
    .description('one screen: alive, last, next, what waits for you, what is in force')
    .addHelpText('after', '\nExamples:\n  $ kloros status\n  $ kloros status --json | jq .waiting')
    .action(async (_options, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { readStatus } = await import('../tick/status.ts');
        const status = await readStatus(ctx);
        out.data(status, (s) => statusWords(s, out));
      });
    });
}
