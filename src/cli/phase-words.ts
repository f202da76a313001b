import type { EpochDetail, EpochRecord, VerdictRecord } from '../phase/records.ts';
import type { Comparison } from '../phase/types.ts';
import { type Output, pairs, table } from './output.ts';
import { lengthOf, moment, percent, relative } from './words.ts';

const GOOD = new Set(['accept', 'done']);
const BAD = new Set(['error', 'failed']);

function stateWord(word: string, out: Output): string {
  if (GOOD.has(word)) return out.paint('green', word);
  return BAD.has(word) ? out.paint('red', word) : out.paint('yellow', word);
}

function countWords(verdicts: readonly VerdictRecord[]): string {
  const counts = new Map<string, number>();
  for (const { verdict } of verdicts) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  return [...counts].map(([verdict, n]) => `${n} ${verdict}`).join(', ') || 'none';
}

export function epochsTable(epochs: readonly EpochRecord[], now: number, out: Output): string {
  if (epochs.length === 0) return 'no epochs yet: kloros phase next';
  return table(
    ['ID', 'DATE', 'STATE', 'VERDICTS', 'BASELINE', 'TOOK', 'STARTED'],
    epochs.map((e) => [
      e.id,
      `${e.date}${e.forced ? ' (forced)' : ''}`,
      stateWord(e.state, out),
      countWords(e.verdicts),
      `v${e.baselineVersion}`,
      lengthOf(e.elapsedMs),
      relative(e.startedAt, now),
    ]),
  );
}

const number = (value: number | null | undefined) =>
  value === null || value === undefined ? '–' : String(Number(value.toPrecision(4)));
const share = (value: number | null | undefined) =>
  value === null || value === undefined ? '–' : percent(value);

function interval({ low, high }: { low?: number | null; high?: number | null }): string {
  return `${share(low)} … ${share(high)}`;
}

function comparisonRow(c: Comparison): string[] {
  return [
    c.ok ? 'ok' : 'not ok',
    c.role,
    c.metric,
    c.domain === '*' ? 'all domains' : c.domain,
    number(c.baselineMean),
    number(c.candidateMean),
    share(c.effect),
    interval(c),
    String(c.pairs),
    c.ok ? '' : c.reason,
  ];
}

const COMPARED = [
  '',
  'ROLE',
  'METRIC',
  'DOMAIN',
  'BASELINE',
  'CANDIDATE',
  'EFFECT',
  'INTERVAL',
  'PAIRS',
  'WHY',
];

function verdictWords(v: VerdictRecord, out: Output): string {
  const { gain, low, high, comparisons = [] } = v.statistics;
  const head = pairs([
    [v.promotionId, `${stateWord(v.verdict, out)}: ${v.reason}`],
    ['  gain', `${share(gain)}, interval ${interval({ low: low ?? null, high: high ?? null })}`],
    ['  carried out', v.carriedOutAt === null ? 'not yet: a tick does it' : 'yes'],
  ]);
  return comparisons.length === 0 ? head : `${head}\n\n${table(COMPARED, comparisons.map(comparisonRow))}`;
}

/** An epoch: how it ended, its verdicts, and what they rest on. */
export function epochWords(e: EpochDetail, now: number, out: Output): string {
  const report: [string, string][] =
    e.report === null ? [] : [['report', `${e.report}, SHA-256 ${e.reportSha256 ?? '–'}`]];
  const ended = e.endedAt === null ? '' : `, ended ${relative(e.endedAt, now)}`;
  return [
    pairs([
      ['epoch', e.id],
      ['date', `${e.date}, ${e.zone}${e.forced ? ', forced: the date is not used up' : ''}`],
      ['state', `${stateWord(e.state, out)}${e.reason === null ? '' : `: ${e.reason}`}`],
      ['verdicts', countWords(e.verdicts)],
      ['against', `baseline v${e.baselineVersion}, seed ${e.seed}, attempt ${e.attempts}`],
      ['time', `started ${moment(e.startedAt, now)}${ended}, took ${lengthOf(e.elapsedMs)}`],
      ...report,
    ]),
    ...e.verdicts.map((v) => verdictWords(v, out)),
  ].join('\n\n');
}
