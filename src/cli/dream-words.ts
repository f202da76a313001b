import type { Analysis } from '../dream/importance.ts';
import type { CycleDetail, CycleRecord } from '../dream/records.ts';
import { importanceWords } from './importance-words.ts';
import { type Output, pairs, table } from './output.ts';
import { lengthOf, moment, paramWords, percent, relative } from './words.ts';

type Result = NonNullable<CycleRecord['result']>;
type Done = Extract<Result, { state: 'done' }>;

function stateWord(state: string, out: Output): string {
  if (state === 'done' || state === 'completed') return out.paint('green', state);
  return state === 'failed' ? out.paint('red', state) : out.paint('yellow', state);
}

const doneOf = (cycle: CycleRecord): Done | null => (cycle.result?.state === 'done' ? cycle.result : null);
const gain = (share: number | null | undefined) =>
  share === null || share === undefined ? '–' : percent(share);

function metricWords(metrics: Readonly<Record<string, number>>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name}=${Number(value.toPrecision(4))}`)
    .join(' ');
}

/** What of `params` is not the baseline's. */
function changeWords(
  params: Readonly<Record<string, unknown>>,
  baseline: Readonly<Record<string, unknown>>,
): string {
  const changed = Object.entries(params).filter(([name, value]) => baseline[name] !== value);
  return changed.length === 0 ? 'the baseline' : paramWords(Object.fromEntries(changed));
}

export function cyclesTable(cycles: readonly CycleRecord[], now: number, out: Output): string {
  if (cycles.length === 0) return 'no cycles yet: kloros dream';
  return table(
    ['ID', 'EXPERIMENT', 'STATE', 'EVALUATED', 'BEST', 'WINNERS', 'TOOK', 'STARTED', 'RESULT'],
    cycles.map((c) => [
      c.id,
      c.experiment,
      stateWord(c.state, out),
      `${doneOf(c)?.summary.evaluated ?? '–'}/${c.budget.trials}`,
      gain(doneOf(c)?.summary.bestGain),
      String(doneOf(c)?.winners.length ?? '–'),
      lengthOf(c.elapsedMs),
      relative(c.startedAt, now),
      c.result?.reason ?? '',
    ]),
  );
}

function summaryPairs(c: CycleDetail, now: number, out: Output): string {
  const summary = doneOf(c)?.summary;
  const best: [string, string][] = summary
    ? [
        [
          'best',
          summary.best
            ? `${gain(summary.bestGain)}: ${changeWords(summary.best, c.baseline)}`
            : 'the baseline',
        ],
        ['baseline', metricWords(summary.baselineMetrics)],
        ['diversity', summary.diversity.toFixed(2)],
      ]
    : [];
  const ended = c.endedAt === null ? '' : `, ended ${relative(c.endedAt, now)}`;
  const trials = { completed: 0, failed: 0, stopped: 0 };
  for (const { state } of c.trials) trials[state]++;
  return pairs([
    ['cycle', c.id],
    ['experiment', `${c.experiment}, from baseline v${c.baselineVersion}`],
    ['state', stateWord(c.state, out)],
    ['result', c.result?.reason ?? 'not ended'],
    ...best,
    [
      'search',
      `sampler ${c.sampler}, seed ${c.seed}, at most ${c.budget.trials} configurations or ${lengthOf(c.budget.durationMs)}`,
    ],
    ['trials', `${trials.completed} completed, ${trials.failed} failed, ${trials.stopped} stopped`],
    ['time', `started ${moment(c.startedAt, now)}${ended}, took ${lengthOf(c.elapsedMs)}`],
  ]);
}

/** What was measured again beside the baseline: winners of the search, and the promotions that were given. */
function screeningTable(c: CycleDetail): string | null {
  const done = doneOf(c);
  if (!done) return null;
  const rows = [
    ...done.winners.map((w) => ['winner', gain(w.gain), paramWords(w.changes), metricWords(w.objectives)]),
    ...done.screened.map((s) => ['screened', gain(s.gain), s.id, '']),
    ...done.rejected.map((r) => ['rejected', '–', r.id, r.reason]),
  ];
  return rows.length === 0 ? null : table(['SCREENING', 'GAIN', 'WHAT', 'MEASURED'], rows);
}

function trialsTable(c: CycleDetail, out: Output): string | null {
  if (c.trials.length === 0) return null;
  return table(
    ['#', 'ROLE', 'DOMAIN', 'STATE', 'TOOK', 'CONFIGURATION', 'MEASURED'],
    c.trials.map((t) => [
      String(t.number),
      t.role,
      t.domain,
      stateWord(t.state, out),
      lengthOf(t.durationMs),
      changeWords(t.params, c.baseline),
      t.reason ?? metricWords(t.metrics),
    ]),
  );
}

/** A cycle: what it came to, screening, which parameters decided, and every trial. */
export function cycleWords(
  c: CycleDetail,
  now: number,
  show: { readonly trials: boolean; readonly analysis?: Analysis | null },
  out: Output,
): string {
  const parts = [
    summaryPairs(c, now, out),
    screeningTable(c),
    show.analysis ? importanceWords(show.analysis) : null,
    show.trials ? trialsTable(c, out) : null,
  ];
  return parts.filter((part) => part !== null).join('\n\n');
}
