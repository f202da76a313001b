import type { EscrowEntry } from '../escrow/types.ts';
import { pairs, table } from './output.ts';
import { moment, percent, relative, valueWords } from './words.ts';

/** What the document of an entry holds, as far as it is shown. */
interface Document {
  readonly change?: {
    readonly experiment?: string;
    readonly from?: Readonly<Record<string, unknown>>;
    readonly to?: Readonly<Record<string, unknown>>;
    readonly gain?: number;
    readonly source?: string;
  };
  readonly evidence?: { readonly epochId?: string; readonly reason?: string; readonly reportSha256?: string };
}

/** Name, before and after, of every value that differs. */
function differences({ change }: Document): [string, string, string][] {
  const { from = {}, to = {} } = change ?? {};
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
  return names
    .filter((name) => from[name] !== to[name])
    .map((name) => [name, valueWords(from[name]), valueWords(to[name])]);
}

const gainOf = ({ change }: Document) => (change?.gain === undefined ? '–' : percent(change.gain));

export function entriesTable(entries: readonly EscrowEntry[], now: number): string {
  if (entries.length === 0) return 'nothing waits for you';
  return table(
    ['ID', 'STATE', 'EXPERIMENT', 'GAIN', 'CHANGE', 'EXPIRES', 'BECAUSE'],
    entries.map((e) => {
      const document = e.document as Document;
      const changes = differences(document).map(([name, from, to]) => `${name} ${from}→${to}`);
      return [
        e.id,
        e.state,
        document.change?.experiment ?? '–',
        gainOf(document),
        changes.join(', '),
        e.state === 'waiting' || e.state === 'approved' ? relative(e.expiresAt, now) : '–',
        e.reasons.join('; '),
      ];
    }),
  );
}

/** What became of an entry by a decision, and what comes next. */
export function decisionWords(e: EscrowEntry): string {
  const until = new Date(e.expiresAt).toISOString();
  const next = {
    waiting: `a second, different person approves it, until ${until}`,
    approved: `a tick commits it, until ${until}`,
  };
  const by = e.state === 'waiting' ? 'approved by one of two,' : `${e.state} by`;
  const who = e.state === 'waiting' ? e.approvals.at(-1)?.reviewer : e.reviewer;
  return [
    `${by} ${who}: ${e.promotionId} on v${e.baseVersion}`,
    `binds content ${e.contentSha256}`,
    `next: ${e.state === 'waiting' || e.state === 'approved' ? next[e.state] : 'a tick ends the promotion'}`,
  ].join('\n');
}

/** All that a decision needs. */
export function entryWords(e: EscrowEntry, now: number): string {
  const document = e.document as Document;
  const decided: [string, string][] =
    e.decidedAt === null
      ? []
      : [['decided', `${moment(e.decidedAt, now)} by ${e.reviewer ?? 'nobody'}: ${e.reason ?? ''}`]];
  const { epochId, reason, reportSha256 } = document.evidence ?? {};
  return [
    pairs([
      ['id', e.id],
      ['state', e.state],
      ...decided,
      [
        'promotion',
        `${e.promotionId}, from ${document.change?.source === 'dream' ? 'a D-REAM cycle' : 'outside'}`,
      ],
      ['experiment', document.change?.experiment ?? '–'],
      ['changes', `baseline v${e.baseVersion}`],
      ['gain', `${gainOf(document)}, validated`],
      ['evidence', `${valueWords(epochId)}: ${valueWords(reason)}`],
      ['report', `SHA-256 ${valueWords(reportSha256)}`],
      ['because', e.reasons.join('; ')],
      ['asked', `${moment(e.requestedAt, now)}, by ${e.requester}`],
      ...e.approvals.map((a): [string, string] => [
        'approval',
        `${moment(a.ts, now)} by ${a.reviewer}: ${a.reason}`,
      ]),
      ['expires', moment(e.expiresAt, now)],
      ['content', e.contentSha256],
    ]),
    table(['PARAMETER', 'IN FORCE', 'PROPOSED'], differences(document)),
    ...(e.state === 'waiting'
      ? [`decide: kloros escrow approve ${e.id} --sha ${e.contentSha256.slice(0, 12)} --reason "…"`]
      : []),
  ].join('\n\n');
}
