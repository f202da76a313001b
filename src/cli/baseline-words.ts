import type { ChainResult } from '../baseline/chain.ts';
import type { Difference } from '../baseline/diff.ts';
import type { Pin } from '../baseline/pins.ts';
import type { Baseline } from '../baseline/types.ts';
import { pairs, table } from './output.ts';
import { moment, plural, relative, valueWords } from './words.ts';

/** A version with what it changed of the one before. */
export type LogEntry = Omit<Baseline, 'content'> & {
  readonly pinned: boolean;
  readonly changes: readonly Difference[];
};

function originWords(b: Omit<Baseline, 'content'>): string {
  if (b.kind === 'initial') return 'what kloros.yaml declares';
  if (b.kind === 'rollback') return `a roll-back to the content of v${b.restores ?? 0}, by ${b.actor}`;
  const approval = b.escrowId === null ? '' : `, approval ${b.escrowId}`;
  return `promotion ${b.promotionId ?? '–'}, epoch ${b.epochId ?? '–'}${approval}, by ${b.actor}`;
}

/** The values of a version, and what stands behind them. */
export function baselineWords(b: Baseline, pin: Pin | null, now: number): string {
  const committed: [string, string][] =
    b.version === 0
      ? []
      : [
          ['committed', moment(b.ts, now)],
          ['applied', b.appliedAt === null ? b.applyState : `${b.applyState}, ${moment(b.appliedAt, now)}`],
          ['content', `SHA-256 ${b.sha256}`],
          ['manifest', `SHA-256 ${b.manifestSha256}, token ${b.token}`],
          ['pinned', pin ? `by ${pin.actor}: ${pin.note}` : 'no'],
        ];
  const values = Object.entries(b.params).flatMap(([experiment, params]) =>
    Object.entries(params).map(([name, value]) => [experiment, name, valueWords(value)]),
  );
  return [
    pairs([['version', `v${b.version}`], ['from', originWords(b)], ...committed]),
    table(['EXPERIMENT', 'PARAMETER', 'VALUE'], values),
  ].join('\n\n');
}

export function logTable(versions: readonly LogEntry[], now: number): string {
  if (versions.length === 0)
    return 'no version was committed yet: v0, the defaults of kloros.yaml, is in force';
  return table(
    ['VERSION', 'COMMITTED', 'APPLIED', 'PINNED', 'CHANGES', 'FROM'],
    versions.map((v) => [
      `v${v.version}`,
      relative(v.ts, now),
      v.applyState,
      v.pinned ? 'yes' : '',
      v.changes.map((c) => `${c.parameter} ${valueWords(c.from)}→${valueWords(c.to)}`).join(', ') || 'none',
      originWords(v),
    ]),
  );
}

export function differencesTable(differences: readonly Difference[], before: string, after: string): string {
  return table(
    ['EXPERIMENT', 'PARAMETER', before, after],
    differences.map((d) => [d.experiment, d.parameter, valueWords(d.from), valueWords(d.to)]),
  );
}

export function chainWords(result: ChainResult): string {
  if (result.ok)
    return result.versions === 0
      ? 'no version was committed yet'
      : `the chain is sound: ${plural(result.versions, 'version')}, head ${result.head}`;
  const rows = result.problems.map((p) => [`v${p.version}`, p.file ?? 'kloros.db', p.reason]);
  const onlyFiles = result.problems.every((p) => p.file !== null);
  const next = onlyFiles
    ? 'next: the database is sound; keep copies of these files, then let a tick restore them from it'
    : 'next: stop with `kloros kill`, and restore the database from a backup';
  return `${table(['VERSION', 'WHERE', 'WHAT IS WRONG'], rows)}\n\n${next}`;
}
