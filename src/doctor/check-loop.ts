import { join } from 'node:path';
import { type Finding, kloros, type LoopCheck } from './types.ts';

/** So many intervals without a tick are too many. */
const MISSED_TICKS = 3;

/** An enabled loop ticks, and what it began it ended. */
export const checkTicks: LoopCheck = async (patient, { ctx }) => {
  const { modeState } = await import('../home/mode.ts');
  const { lockIsHeld } = await import('../lock/acquire.ts');
  const { getMeta } = await import('../store/meta.ts');
  const { fromJson } = await import('../store/json.ts');
  const busy = lockIsHeld(ctx.paths, 'orchestrator', ctx.fs);
  const findings: Finding[] = [];
  const last = await getMeta(ctx.db, 'last_tick');
  const silentMs = last === undefined ? null : ctx.clock.now() - fromJson<{ ts: number }>(last).ts;
  const enabled = modeState(ctx).mode !== 'disabled';
  if (enabled && !busy && silentMs !== null && silentMs > MISSED_TICKS * ctx.config.tick.interval)
    findings.push({
      code: 'loop.silent',
      level: 'error',
      what: `the last tick was ${Math.round(silentMs / 60_000)} minutes ago`,
      mend: `${kloros(patient, 'service install')} && ${kloros(patient, 'service status')}`,
    });
  const running = await ctx.db.all<{ id: string; kind: string }>(
    "SELECT id, kind FROM actions WHERE state = 'running'",
  );
  if (running.length > 0 && !busy)
    findings.push({
      code: 'loop.unfinished',
      level: 'warning',
      what: `did not finish: ${running.map(({ kind, id }) => `${kind} ${id}`).join(', ')}`,
      mend: kloros(patient, 'tick'),
    });
  return findings;
};

/** Trials may start: no breaker is open. */
export const checkBreakers: LoopCheck = async (patient, { ctx }) => {
  const { governorState } = await import('../trial/governor.ts');
  const { breakers } = await governorState(ctx);
  return breakers
    .filter(({ state }) => state === 'open')
    .map(({ experiment, failures }) => ({
      code: 'trial.breaker',
      level: 'warning',
      what: `the last ${failures} trials of ${experiment} failed: no trial starts for a while`,
      mend: kloros(patient, 'doctor --evaluator'),
    }));
};

/** Trials that no tick runs any more left nothing. */
export const checkScratch: LoopCheck = async (patient, { ctx }) => {
  const { lockIsHeld } = await import('../lock/acquire.ts');
  const { fs, paths } = ctx;
  if (lockIsHeld(paths, 'orchestrator', fs) || !fs.existsSync(paths.scratch)) return [];
  const left = fs.readdirSync(paths.scratch);
  if (left.length === 0) return [];
  const fix: Finding['fix'] = async (open) => {
    const { sweepScratch } = await import('../trial/scratch.ts');
    if (open) await sweepScratch(open);
  };
  const what = `${left.length} trials of a dead process left ${join(paths.scratch, left[0] ?? '')}${left.length > 1 ? ', …' : ''}`;
  return [{ code: 'trial.leftover', level: 'warning', what, mend: kloros(patient, 'doctor --fix'), fix }];
};

/** What others dropped can be read in. */
export const checkBacklog: LoopCheck = async (patient, { ctx }) => {
  const waiting = async (table: string, state: string) =>
    (await ctx.db.get<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table} WHERE state = ?`, state))?.n ?? 0;
  const findings: Finding[] = [];
  const promotions = await waiting('promotions', 'received');
  if (promotions >= ctx.config.promotions.max_waiting)
    findings.push({
      code: 'promotions.backlog',
      level: 'warning',
      what: `${promotions} promotions wait, as many as promotions.max_waiting allows: no more are read`,
      mend: kloros(patient, 'promotions list --state received'),
    });
  const now = ctx.clock.now();
  const overdue = await ctx.db.get<{ n: number }>(
    "SELECT COUNT(*) AS n FROM escrow WHERE state = 'waiting' AND expires_at < ?",
    now + ctx.config.escrow.expires / 4,
  );
  if ((overdue?.n ?? 0) > 0)
    findings.push({
      code: 'escrow.expiring',
      level: 'warning',
      what: `${overdue?.n} changes wait for a person and expire soon`,
      mend: kloros(patient, 'escrow list'),
    });
  return findings;
};
