import { activeWatch } from '../baseline/watch-store.ts';
import type { Context } from '../context.ts';
import type { Dropped } from './observe.ts';
import { phaseSituation } from './phase-situation.ts';
import { pauseOf, readPauses } from './retries.ts';
import type { Snapshot } from './types.ts';

/** A cycle is not started when the PHASE window opens sooner than this, ms. */
const SHORTEST_CYCLE_MS = 60_000;
/** So many waiting promotions and intents are looked at in one tick; the rest is the next tick's. */
const AT_MOST = 1000;

type Gate = Pick<Snapshot, 'now' | 'mode' | 'kill' | 'lock'>;

/** What rules 1 to 3 need: the rest is read only when they let the tick through. */
export function gateSnapshot(gate: Gate): Snapshot {
  return {
    ...gate,
    unfinished: [],
    watch: null,
    phase: { due: false, reason: '', resume: null, nextWindowAt: null, screened: 0 },
    verdicts: [],
    decisions: [],
    rejectedAtScan: 0,
    received: [],
    pausedCycle: null,
    dreamPauses: {},
    commitPauses: {},
    intents: [],
    intentsNextAt: null,
    idleSince: gate.now,
    reflectedAt: gate.now,
    limits: { intentsPerTick: 0, idleMs: 0, reflectEveryMs: 0, shortestCycleMs: SHORTEST_CYCLE_MS },
  };
}

type WithExperiment = { id: string; experiment: string };

async function readPromotions(ctx: Context): Promise<Pick<Snapshot, 'verdicts' | 'decisions' | 'received'>> {
  const verdicts = await ctx.db.all<{ promotionId: string; verdict: string; gain: number }>(
    `SELECT v.promotion_id AS "promotionId", v.verdict AS verdict, COALESCE(p.validated_gain, 0) AS gain
     FROM verdicts v JOIN promotions p ON p.id = v.promotion_id
     WHERE v.carried_out_at IS NULL ORDER BY v.ts, v.promotion_id LIMIT ${AT_MOST}`,
  );
  const decisions = await ctx.db.all<{ promotionId: string; state: string }>(
    `SELECT e.promotion_id AS "promotionId", e.state AS state FROM escrow e
     JOIN promotions p ON p.id = e.promotion_id
     WHERE p.state = 'escrowed' AND e.state IN ('approved', 'rejected', 'expired', 'void')
     AND e.requested_at = (SELECT MAX(l.requested_at) FROM escrow l WHERE l.promotion_id = e.promotion_id)
     ORDER BY e.decided_at LIMIT ${AT_MOST}`,
  );
  const received = await ctx.db.all<WithExperiment>(
    `SELECT id, experiment FROM promotions WHERE state = 'received' ORDER BY received_at, id LIMIT ${AT_MOST}`,
  );
  return {
    verdicts,
    decisions: decisions.map((d) => ({ promotionId: d.promotionId, approved: d.state === 'approved' })),
    received,
  };
}

async function readIntents(ctx: Context, now: number): Promise<Pick<Snapshot, 'intents' | 'intentsNextAt'>> {
  const waiting = await ctx.db.all<{ id: string; next: number; attempts: number }>(
    `SELECT id, next_try_at AS next, attempts FROM intents WHERE state = 'waiting'
     ORDER BY priority DESC, generated_at, id LIMIT ${AT_MOST}`,
  );
  // Further ahead than any pause of so many tries: the clock was stepped back.
  const rows = waiting.map(({ id, next, attempts }) => ({
    id,
    next: next > now + pauseOf(attempts, ctx.config.retry) ? now : next,
  }));
  const later = rows.filter((r) => r.next > now).map((r) => r.next);
  return {
    intents: rows.filter((r) => r.next <= now).map((r) => r.id),
    intentsNextAt: later.length > 0 ? Math.min(...later) : null,
  };
}

/** The last time something other than waiting happened, and the last idle reflection, ms since the epoch. */
async function readIdle(ctx: Context, now: number): Promise<Pick<Snapshot, 'idleSince' | 'reflectedAt'>> {
  const rows = await ctx.db.all<{ key: string; value: string }>(
    "SELECT key, value FROM meta WHERE key IN ('idle_since', 'reflected_at', 'created_at')",
  );
  const meta = new Map(rows.map((r) => [r.key, Number(r.value)]));
  // A clock that was stepped back must not put off reflection for ever.
  const past = (at: number | undefined, otherwise: number) => Math.min(at ?? otherwise, now);
  return {
    idleSince: past(meta.get('idle_since') ?? meta.get('created_at'), now),
    reflectedAt: past(meta.get('reflected_at'), 0),
  };
}

/** All that a decision depends on, read once, after the lock is held. */
export async function readSnapshot(ctx: Context, gate: Gate, dropped: Dropped): Promise<Snapshot> {
  const { db, config } = ctx;
  const unfinished = await db.all<{ id: string; kind: string }>(
    // What an action that ended in an error left open is as unfinished as what a dead process left.
    `SELECT id, kind FROM actions WHERE state = 'running' UNION ALL
     SELECT id, 'cycle' FROM cycles WHERE state = 'running' UNION ALL
     SELECT id, 'epoch' FROM epochs WHERE state = 'running' UNION ALL
     SELECT 'v' || version, 'apply' FROM baselines
     WHERE apply_state = 'owed' AND version = (SELECT MAX(version) FROM baselines)`,
  );
  const watch = await activeWatch(db);
  // The clock was stepped back: the check that was planned is overdue by any measure.
  const overdue = watch !== null && watch.nextCheckAt > gate.now + watch.intervalMs;
  const pausedCycle = await db.get<WithExperiment>(
    "SELECT id, experiment FROM cycles WHERE state = 'paused' ORDER BY started_at LIMIT 1",
  );
  const promotions = await readPromotions(ctx);
  const intents = await readIntents(ctx, gate.now);
  return {
    ...gate,
    unfinished,
    watch: watch && { version: watch.version, nextCheckAt: overdue ? gate.now : watch.nextCheckAt },
    phase: await phaseSituation(ctx),
    ...promotions,
    received: [...promotions.received, ...dropped.received],
    rejectedAtScan: dropped.rejectedAtScan,
    pausedCycle: pausedCycle ?? null,
    dreamPauses: await readPauses(db, 'dream:', gate.now),
    commitPauses: await readPauses(db, 'commit:', gate.now),
    ...intents,
    intents: [...intents.intents, ...dropped.intents],
    ...(await readIdle(ctx, gate.now)),
    limits: {
      intentsPerTick: config.intents.per_tick,
      idleMs: config.reflection.idle,
      reflectEveryMs: config.reflection.every,
      shortestCycleMs: SHORTEST_CYCLE_MS,
    },
  };
}
