import { currentBaseline, getBaseline } from '../baseline/current.ts';
import type { Baseline } from '../baseline/types.ts';
import type { ParameterValue } from '../config/schema.ts';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { fromJson } from '../store/json.ts';
import { readEvents } from '../store/ledger.ts';

/** One link of the chain that put a value in force. */
export interface Link {
  readonly what: 'value' | 'version' | 'approval' | 'epoch' | 'promotion' | 'cycle' | 'default';
  readonly id: string;
  readonly ts: number | null;
  /** In words, with the hashes that bind it. */
  readonly words: string;
}

export interface Why {
  readonly schema: 'kloros.why/v1';
  readonly experiment: string;
  readonly parameter: string;
  readonly value: ParameterValue | null;
  readonly links: readonly Link[];
}

/** `parameter`, or `experiment.parameter` where several have one of that name. */
function find(ctx: Context, name: string): { experiment: string; parameter: string } {
  const [first, second] = name.split('.');
  const found = Object.entries(ctx.config.experiments).flatMap(([experiment, e]) =>
    Object.keys(e.parameters)
      .filter((p) => (second === undefined ? p === first : experiment === first && p === second))
      .map((parameter) => ({ experiment, parameter })),
  );
  if (found.length === 1 && found[0]) return found[0];
  if (found.length > 1)
    throw new KlorosError('KLR_E_USAGE', `${name} is a parameter of several experiments`, {
      hint: `Name one: ${found.map((f) => `${f.experiment}.${f.parameter}`).join(', ')}.`,
    });
  const known = Object.values(ctx.config.experiments).flatMap((e) => Object.keys(e.parameters));
  throw new KlorosError('KLR_E_NOT_FOUND', `no parameter ${name}`, {
    hint: `Name one of: ${known.join(', ')}.`,
  });
}

/** The oldest version in an unbroken run back from the current one in which the value is the same. */
async function introducedBy(
  ctx: Context,
  current: Baseline,
  experiment: string,
  parameter: string,
): Promise<Baseline> {
  const valueIn = (b: Baseline) => b.params[experiment]?.[parameter];
  let found = current;
  while (found.version > 0) {
    const before = await getBaseline(ctx.db, found.version - 1);
    const previous = before ?? (await getBaseline(ctx.db, 0));
    const old = previous
      ? valueIn(previous)
      : ctx.config.experiments[experiment]?.parameters[parameter]?.default;
    if (old !== valueIn(current)) break;
    if (!previous || previous.version === 0) return { ...found, version: 0 };
    found = previous;
  }
  return found;
}

async function promotionLinks(ctx: Context, baseline: Baseline): Promise<Link[]> {
  const { db } = ctx;
  const links: Link[] = [];
  if (baseline.escrowId) {
    const entry = await db.get<{
      reviewer: string;
      reason: string;
      decided_at: number;
      content_sha256: string;
    }>('SELECT reviewer, reason, decided_at, content_sha256 FROM escrow WHERE id = ?', baseline.escrowId);
    if (entry)
      links.push({
        what: 'approval',
        id: baseline.escrowId,
        ts: entry.decided_at,
        words: `approved by ${entry.reviewer}: ${entry.reason} (content ${entry.content_sha256.slice(0, 12)})`,
      });
  }
  const verdict = await db.get<{
    verdict: string;
    reason: string;
    ts: number;
    report: string;
    report_sha256: string;
  }>(
    `SELECT v.verdict, v.reason, v.ts, e.report, e.report_sha256 FROM verdicts v JOIN epochs e ON e.id = v.epoch_id
     WHERE v.epoch_id = ? AND v.promotion_id = ?`,
    baseline.epochId,
    baseline.promotionId,
  );
  if (verdict)
    links.push({
      what: 'epoch',
      id: baseline.epochId ?? '',
      ts: verdict.ts,
      words: `${verdict.verdict}: ${verdict.reason} (${verdict.report}, SHA-256 ${verdict.report_sha256.slice(0, 12)})`,
    });
  const promotion = await db.get<{
    source: string;
    detail: string;
    received_at: number;
    sha256: string;
    search_score: number | null;
  }>(
    'SELECT source, detail, received_at, sha256, search_score FROM promotions WHERE id = ?',
    baseline.promotionId,
  );
  if (!promotion) return links;
  const claimed =
    promotion.search_score === null ? '' : `, claimed ${(100 * promotion.search_score).toFixed(1)} %`;
  links.push({
    what: 'promotion',
    id: baseline.promotionId ?? '',
    ts: promotion.received_at,
    words: `from ${promotion.source === 'dream' ? 'a D-REAM cycle' : 'outside'}${claimed} (SHA-256 ${promotion.sha256.slice(0, 12)})`,
  });
  const cycleId = fromJson<{ cycle?: string }>(promotion.detail).cycle;
  const cycle = cycleId ? await cycleLink(ctx, cycleId) : null;
  return cycle ? [...links, cycle] : links;
}

async function cycleLink(ctx: Context, id: string): Promise<Link | null> {
  const cycle = await ctx.db.get<{ sampler: string; seed: number; started_at: number }>(
    'SELECT sampler, seed, started_at FROM cycles WHERE id = ?',
    id,
  );
  if (!cycle) return null;
  const trials = await ctx.db.get<{ n: number }>('SELECT COUNT(*) AS n FROM trials WHERE owner = ?', id);
  const [started] = await readEvents(ctx.db, { subject: id, limit: 1 });
  const words = `${trials?.n ?? 0} trials, sampler ${cycle.sampler}, seed ${cycle.seed}${started ? `, ledger #${started.seq}` : ''}`;
  return { what: 'cycle', id, ts: cycle.started_at, words };
}

/**
 * Answers from the chain which version, verdict, approval, promotion and trials put the present value of a parameter
 * there.
 * @throws KLR_E_NOT_FOUND, KLR_E_USAGE
 */
export async function why(ctx: Context, name: string): Promise<Why> {
  const { experiment, parameter } = find(ctx, name);
  const current = await currentBaseline(ctx.db, ctx.config);
  const value = current.params[experiment]?.[parameter] ?? null;
  const base = { schema: 'kloros.why/v1', experiment, parameter, value } as const;
  const by = await introducedBy(ctx, current, experiment, parameter);
  if (by.version === 0) {
    const words =
      value === null ? 'not active in the present baseline' : 'the default that kloros.yaml declares';
    return { ...base, links: [{ what: 'default', id: 'kloros.yaml', ts: null, words }] };
  }
  const version: Link = {
    what: 'version',
    id: `v${by.version}`,
    ts: by.ts,
    words: `${by.kind === 'rollback' ? `roll-back to the content of v${by.restores}` : by.kind} by ${by.actor} (manifest ${by.manifestSha256.slice(0, 12)}, token ${by.token})`,
  };
  if (by.kind !== 'rollback') return { ...base, links: [version, ...(await promotionLinks(ctx, by))] };
  const restored = by.restores ? await getBaseline(ctx.db, by.restores) : null;
  return { ...base, links: [version, ...(restored ? await promotionLinks(ctx, restored) : [])] };
}
