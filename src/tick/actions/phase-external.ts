import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { KlorosError } from '../../errors.ts';
import { syncEpochsLedger } from '../../phase/epochs-ledger.ts';
import { endExternal, readExternalReport, voidExternal } from '../../phase/external.ts';
import type { CandidateVerdict, EpochRequest } from '../../phase/types.ts';
import type { Database } from '../../store/database.ts';
import { deliverOutbox } from '../../store/outbox.ts';
import { supervise } from '../supervise.ts';
import { withLock } from '../with-lock.ts';
import { type ExternalEnd, runExternal } from './external-program.ts';
import type { Done, Run } from './run.ts';

type Accepted = (tx: Database, ctx: Context, verdicts: readonly CandidateVerdict[]) => Promise<void>;
interface Times {
  readonly startedAt: number;
  readonly elapsedMs: number;
}

const words = (error: unknown) =>
  error instanceof KlorosError ? `${error.code}: ${error.message}` : String(error);

/** The window's edge is the end of its time, as its own limit is. */
function outcomeOf(end: Exclude<ExternalEnd, { state: 'done' }>): Done['outcome'] {
  const stop = end.state === 'stopped' ? end.stop : null;
  if (stop === 'killed') return 'KILLED';
  return end.state === 'timeout' || stop === 'window-edge' ? 'PHASE_TIMEOUT' : 'PHASE_FAILED';
}

async function conclude(
  ctx: Context,
  request: EpochRequest,
  end: ExternalEnd,
  times: Times,
  moveAccepted: Accepted,
): Promise<Done> {
  const { id } = request;
  const giveUp = async (reason: string, outcome: Done['outcome']): Promise<Done> => {
    await ctx.db.transaction((tx) => voidExternal(tx, ctx, request, reason, times));
    return { outcome, reason: `${id} is void: ${reason}` };
  };
  if (end.state !== 'done') return giveUp(end.reason, outcomeOf(end));
  let report: ReturnType<typeof readExternalReport>;
  try {
    report = readExternalReport(ctx, request);
  } catch (error) {
    return giveUp(words(error), 'PHASE_FAILED');
  }
  ctx.fs.mkdirSync(join(ctx.paths.phase, id), { recursive: true, mode: 0o700 });
  await ctx.db.transaction(async (tx) => {
    await endExternal(tx, ctx, request, report, times);
    await moveAccepted(tx, ctx, report.verdicts);
  });
  const told = report.verdicts.map((v) => `${v.promotionId}: ${v.verdict}`).join(', ');
  return { outcome: 'PHASE_EPOCH', reason: `${id}, by the external program: ${told}` };
}

/**
 * A validation by the program in `phase.command`, under the phase lock and within the window. It is given the epoch's
 * id and the candidates, writes its report, then both signals; nothing is believed that is not signed under that id.
 */
export async function externalEpoch(
  run: Run,
  request: EpochRequest,
  command: readonly string[],
  moveAccepted: Accepted,
): Promise<Done> {
  const { ctx } = run;
  const startedAt = ctx.clock.now();
  const began = ctx.clock.monotonic();
  const timeoutMs = Math.max(1, Math.min(ctx.config.phase.max_duration, request.endsAt - startedAt));
  const supervision = supervise(ctx, {
    ...run,
    endsAt: request.endsAt,
    baselineVersion: request.baseline.version,
  });
  const env = {
    KLOROS_EPOCH_ID: request.id,
    KLOROS_CANDIDATES: JSON.stringify(
      request.candidates.map(({ promotionId, experiment, params }) => ({
        promotion_id: promotionId,
        experiment,
        params,
      })),
    ),
  };
  try {
    const wanted = { purpose: `external epoch ${request.id}`, ttlMs: ctx.config.phase.max_duration * 2 };
    return await withLock(ctx, 'phase', wanted, async () => {
      const end = await runExternal(ctx, supervision.control, { command, timeoutMs, env });
      return conclude(
        ctx,
        request,
        end,
        { startedAt, elapsedMs: ctx.clock.monotonic() - began },
        moveAccepted,
      );
    });
  } finally {
    supervision.dispose();
    await deliverOutbox(ctx);
    await syncEpochsLedger(ctx);
  }
}
