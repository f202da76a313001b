import type { Promotion } from '../promotion/types.ts';
import type { LedgerEvent } from '../store/ledger.ts';
import { pairs, table } from './output.ts';
import { moment, paramWords, percent, relative, timeOf, valueWords } from './words.ts';

const gain = (share: number | null) => (share === null ? '–' : percent(share));

export function promotionsTable(promotions: readonly Promotion[], now: number): string {
  if (promotions.length === 0) return 'no promotions';
  return table(
    ['ID', 'STATE', 'EXPERIMENT', 'CLAIMED', 'VALIDATED', 'RECEIVED', 'CHANGES'],
    promotions.map((p) => [
      p.id,
      p.state,
      p.experiment ?? '–',
      gain(p.searchScore),
      gain(p.validatedGain),
      relative(p.receivedAt, now),
      paramWords(p.changes),
    ]),
  );
}

/** One promotion and its events. */
export function promotionWords(p: Promotion, history: readonly LedgerEvent[], now: number): string {
  const about = pairs([
    ['id', p.id],
    ['state', `${p.state}, since ${moment(p.terminalAt ?? p.updatedAt, now)}`],
    ['reason', valueWords(p.detail.reason)],
    ['changes', paramWords(p.changes)],
    ['experiment', p.experiment ?? '–'],
    ['gain', `claimed ${gain(p.searchScore)}, validated ${gain(p.validatedGain)}`],
    ['from', `${p.source === 'dream' ? 'a D-REAM cycle' : 'outside'}, schema ${p.schema}`],
    ['against', p.baselineVersion === null ? '–' : `v${p.baselineVersion}`],
    ['file', `promotions/${p.file}, SHA-256 ${p.sha256}`],
    ['inconclusive', `${p.attempts} times`],
  ]);
  const events = history.map((e) => [String(e.seq), timeOf(e.ts), e.kind, valueWords(e.data.reason)]);
  return events.length === 0 ? about : `${about}\n\n${table(['SEQ', 'TIME', 'EVENT', 'REASON'], events)}`;
}
