import { currentBaseline } from '../baseline/current.ts';
import type { Baseline } from '../baseline/types.ts';
import type { Context } from '../context.ts';
import { readKill } from '../home/killswitch.ts';
import { modeState } from '../home/mode.ts';
import { lockIsHeld, readHolder } from '../lock/acquire.ts';
import { fromJson } from '../store/json.ts';
import { getMeta } from '../store/meta.ts';
import { phaseSituation } from './phase-situation.ts';
import type { Outcome } from './types.ts';

export interface LastTick {
  readonly ts: number;
  readonly outcome: Outcome;
  readonly reason: string;
  readonly rule: number;
  readonly durationMs: number;
  readonly next: { readonly at: number | null; readonly what: string };
}

/** What one screen has to answer. Times are milliseconds since the Unix epoch. */
export interface Status {
  readonly schema: 'kloros.status/v1';
  readonly now: number;
  readonly home: string;
  readonly mode: { readonly mode: string; readonly origin: string; readonly problem: string | null };
  readonly kill: { readonly set: boolean; readonly reason: string };
  /** Ticks come: the last one is not older than three intervals, or one is under way. */
  readonly alive: boolean;
  readonly lastTick: LastTick | null;
  readonly running: {
    readonly kind: string;
    readonly reason: string;
    readonly startedAt: number;
    readonly pid: number | null;
    readonly trials: number;
    readonly of: number | null;
  } | null;
  readonly baseline: {
    readonly version: number;
    readonly kind: string;
    readonly since: number;
    readonly applyState: string;
    readonly params: Baseline['params'];
  };
  readonly watch: {
    readonly version: number;
    readonly checks: number;
    readonly failures: number;
    readonly deadline: number;
  } | null;
  readonly phase: { readonly reason: string; readonly nextWindowAt: number | null };
  readonly waiting: {
    readonly escrow: number;
    readonly received: number;
    readonly screened: number;
    readonly accepted: number;
    readonly intents: number;
    readonly filesOwed: number;
  };
}

/** So many intervals without a tick, and the loop counts as dead. */
const MISSED_TICKS = 3;

async function count(ctx: Context, sql: string): Promise<number> {
  return (await ctx.db.get<{ n: number }>(sql))?.n ?? 0;
}

async function runningAction(ctx: Context): Promise<Status['running']> {
  const row = await ctx.db.get<{ kind: string; started_at: number; data: string }>(
    "SELECT kind, started_at, data FROM actions WHERE state = 'running' ORDER BY started_at DESC LIMIT 1",
  );
  if (!row || !lockIsHeld(ctx.paths, 'orchestrator', ctx.fs)) return null;
  const owner = await ctx.db.get<{ id: string; total: string | null }>(
    `SELECT id, budget AS total FROM cycles WHERE state = 'running'
     UNION ALL SELECT id, NULL FROM epochs WHERE state = 'running' LIMIT 1`,
  );
  const trials = owner
    ? (await ctx.db.get<{ n: number }>('SELECT COUNT(*) AS n FROM trials WHERE owner = ?', owner.id))?.n
    : 0;
  return {
    kind: row.kind,
    reason: fromJson<{ reason?: string }>(row.data).reason ?? '',
    startedAt: row.started_at,
    pid: readHolder(ctx.paths, 'orchestrator', ctx.fs)?.pid ?? null,
    trials: trials ?? 0,
    of: null,
  };
}

/** Reads what `kloros status` and the console's home show; writes nothing. */
export async function readStatus(ctx: Context): Promise<Status> {
  const { db } = ctx;
  const now = ctx.clock.now();
  const last = await getMeta(db, 'last_tick');
  const lastTick = last === undefined ? null : fromJson<LastTick>(last);
  const running = await runningAction(ctx);
  const baseline = await currentBaseline(db, ctx.config);
  const watch = await db.get<{ version: number; checks: number; failures: number; deadline: number }>(
    "SELECT version, checks, failures, deadline FROM watches WHERE state = 'watching' ORDER BY version DESC LIMIT 1",
  );
  const phase = await phaseSituation(ctx);
  const promotions = await db.all<{ state: string; n: number }>(
    `SELECT state, COUNT(*) AS n FROM promotions
     WHERE state IN ('received', 'screened', 'accepted', 'escrowed', 'approved') GROUP BY state`,
  );
  const inState = (state: string) => promotions.find((p) => p.state === state)?.n ?? 0;
  return {
    schema: 'kloros.status/v1',
    now,
    home: ctx.paths.root,
    mode: modeState(ctx),
    kill: readKill(ctx.paths, ctx.fs),
    alive:
      running !== null || (lastTick !== null && now - lastTick.ts < MISSED_TICKS * ctx.config.tick.interval),
    lastTick,
    running,
    baseline: {
      version: baseline.version,
      kind: baseline.kind,
      since: baseline.ts,
      applyState: baseline.applyState,
      params: baseline.params,
    },
    watch: watch ?? null,
    phase: { reason: phase.reason, nextWindowAt: phase.nextWindowAt },
    waiting: {
      escrow: await count(ctx, "SELECT COUNT(*) AS n FROM escrow WHERE state = 'waiting'"),
      received: inState('received'),
      screened: inState('screened'),
      accepted: inState('accepted') + inState('approved'),
      intents: await count(ctx, "SELECT COUNT(*) AS n FROM intents WHERE state = 'waiting'"),
      filesOwed: await count(ctx, 'SELECT COUNT(*) AS n FROM outbox'),
    },
  };
}
