import { isDeepStrictEqual } from 'node:util';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { canonicalJson, sha256Hex } from '../store/json.ts';
import { type LedgerEvent, readEvents } from '../store/ledger.ts';
import { VERSION } from '../version.ts';
import { decide } from './decide.ts';
import { withForce } from './force.ts';
import type { Decision, Force, Snapshot } from './types.ts';

/** A decision computed again from what is on record of it. */
export interface Replay {
  readonly schema: 'kloros.replay/v1';
  readonly kind: 'tick' | 'cycle' | 'epoch';
  readonly id: string;
  /** Bit for bit the same. */
  readonly same: boolean;
  /** What was decided, in words; where it differs, how. */
  readonly words: string;
  /** The version that decided, where it is on record, and the one that replays. */
  readonly programs: { readonly decided: string | null; readonly replayed: string };
  /** SHA-256 of the recomputed decision. */
  readonly sha256: string;
}

/** What a tick's event holds beside its outcome, where the tick had something to decide. */
export interface RecordedDecision {
  readonly program: string;
  readonly snapshot: Snapshot;
  readonly force: Force | null;
  readonly decision: Decision;
}

const impossible = (message: string, where: string) =>
  new KlorosError('KLR_E_REPLAY_IMPOSSIBLE', message, { where });

function result(
  kind: Replay['kind'],
  id: string,
  found: {
    readonly same: boolean;
    readonly words: string;
    readonly recomputed: unknown;
    readonly decided?: string;
  },
): Replay {
  const { same, words, recomputed, decided = null } = found;
  const programs = { decided, replayed: VERSION };
  return {
    schema: 'kloros.replay/v1',
    kind,
    id,
    same,
    words,
    programs,
    sha256: sha256Hex(canonicalJson(recomputed)),
  };
}

/** Computes a decision again from its snapshot. Pure. */
export function replayDecision({ snapshot, force }: Pick<RecordedDecision, 'snapshot' | 'force'>): Decision {
  return withForce(snapshot, decide(snapshot), force ?? undefined);
}

function replayTick(event: LedgerEvent): Replay {
  const { decided } = event.data as { readonly decided?: RecordedDecision };
  if (!decided)
    throw impossible(`tick ${event.seq} (${event.subject}) had nothing to decide`, `#${event.seq}`);
  const recomputed = replayDecision(decided);
  const same = canonicalJson(recomputed) === canonicalJson(decided.decision);
  const said = ({ rule, action, reason }: Decision) => `rule ${rule}, ${action.kind}: ${reason}`;
  const words = same ? said(recomputed) : `decided ${said(decided.decision)}; recomputed ${said(recomputed)}`;
  return result('tick', String(event.seq), { same, words, recomputed, decided: decided.program });
}

async function replayEpoch(ctx: Context, id: string): Promise<Replay> {
  const { loadEpoch } = await import('../phase/epoch-store.ts');
  const { readVerdicts } = await import('../phase/records.ts');
  const { recomputeVerdicts } = await import('../phase/recompute.ts');
  const { state, plan, trials } = await loadEpoch(ctx.db, id);
  if (state !== 'done') throw impossible(`epoch ${id} is ${state}: it gave no verdicts`, id);
  const recomputed = recomputeVerdicts({ plan, trials });
  const given = new Map((await readVerdicts(ctx.db, id)).map((v) => [v.promotionId, v.statistics]));
  const differs = recomputed.filter((verdict) => {
    const { optimism: _, ...statistics } = (given.get(verdict.promotionId) ?? {}) as { optimism?: unknown };
    return !isDeepStrictEqual(JSON.parse(JSON.stringify(verdict)), statistics);
  });
  const same = differs.length === 0 && recomputed.length === given.size;
  const words = same
    ? recomputed.map((v) => `${v.promotionId}: ${v.verdict}`).join(', ') || 'the baseline was measured'
    : `another verdict on ${differs.map((v) => `${v.promotionId}: ${v.verdict}`).join(', ')}`;
  return result('epoch', id, { same, words, recomputed });
}

async function replaySearch(ctx: Context, id: string): Promise<Replay> {
  const { replayCycle } = await import('../dream/replay.ts');
  const recomputed = await replayCycle(ctx, id);
  const { asked, differs } = recomputed;
  const words = differs ?? `${asked} configurations were asked for again, each the same`;
  return result('cycle', id, { same: differs === null, words, recomputed });
}

/**
 * Computes a decision again from the ledger: a tick's choice from its snapshot, a cycle's asks from its trials, an
 * epoch's verdicts from its measurements. Writes nothing.
 * @param id the number of a tick's event (`42` or `#42`), or the id of a cycle or an epoch
 * @throws KLR_E_NOT_FOUND, KLR_E_REPLAY_IMPOSSIBLE, KLR_E_REPLAY_DIFFERS (trials that were not planned)
 */
export async function replay(ctx: Context, id: string): Promise<Replay> {
  const [, seq] = /^#?(\d{1,15})$/.exec(id) ?? [];
  if (seq !== undefined) {
    const [event] = await readEvents(ctx.db, { afterSeq: Number(seq) - 1, limit: 1 });
    if (event?.seq === Number(seq) && event.kind === 'tick') return replayTick(event);
  } else if (await ctx.db.get('SELECT id FROM epochs WHERE id = ?', id)) return replayEpoch(ctx, id);
  else if (await ctx.db.get('SELECT id FROM cycles WHERE id = ?', id)) return replaySearch(ctx, id);
  throw new KlorosError('KLR_E_NOT_FOUND', `there is no tick, cycle or epoch ${JSON.stringify(id)}`, {
    hint: 'See `kloros ledger --kind tick`, `kloros dream list` and `kloros phase list`.',
  });
}
