import type { Context } from '../context.ts';
import { addCounter } from '../metrics/counters.ts';
import type { Database } from '../store/database.ts';
import { sha256Hex } from '../store/json.ts';
import { appendEvent } from '../store/ledger.ts';
import { owe } from '../store/outbox.ts';
import { insertPromotion } from './rows.ts';
import type { Winner } from './types.ts';

export interface WinnersRequest {
  readonly experiment: string;
  /** The cycle that found them; part of their ids. */
  readonly cycleId: string;
  /** The version that they were screened against. */
  readonly baselineVersion: number;
  /** The cycle's seed. */
  readonly seed?: number | undefined;
  readonly runTag?: string | undefined;
  readonly winners: readonly Winner[];
}

/** The promotion file of a winner, schema v2. */
function documentOf(
  id: string,
  now: number,
  request: WinnersRequest,
  winner: Winner,
): Record<string, unknown> {
  return {
    schema: 'v2',
    id,
    timestamp: Math.floor(now / 1000),
    experiment: request.experiment,
    fitness: winner.fitness,
    changes: winner.changes,
    objectives: winner.objectives,
    baseline_version: request.baselineVersion,
    trials: winner.trials,
    ...(request.seed === undefined ? {} : { seed: request.seed }),
    run_tag: request.runTag ?? request.cycleId,
  };
}

/** The first of `<stem>`, `<stem>-2`, … that no promotion has: ids from outside may be in the way. */
async function freeId(tx: Database, stem: string): Promise<string> {
  for (let n = 1; ; n++) {
    const id = n === 1 ? stem : `${stem}-${n}`;
    const taken = await tx.get('SELECT id FROM promotions WHERE id = ? OR file = ?', id, `${id}.json`);
    if (taken === undefined) return id;
  }
}

/**
 * Makes promotions of what a cycle found, screened already, in the transaction that ends the cycle; their files are
 * owed. Returns their ids.
 */
export async function addWinners(
  tx: Database,
  ctx: Pick<Context, 'clock'>,
  request: WinnersRequest,
): Promise<string[]> {
  const now = ctx.clock.now();
  const { experiment, baselineVersion } = request;
  const ids: string[] = [];
  for (const [index, winner] of request.winners.entries()) {
    const id = await freeId(tx, `${request.cycleId}-w${index + 1}`);
    const document = documentOf(id, now, request, winner);
    const content = `${JSON.stringify(document, null, 2)}\n`;
    const reason = `${(winner.gain * 100).toFixed(1)} % better than baseline v${baselineVersion} in screening`;
    await insertPromotion(tx, {
      id,
      file: `${id}.json`,
      sha256: sha256Hex(content),
      schema: 'v2',
      source: 'dream',
      experiment,
      state: 'screened',
      changes: winner.changes,
      document,
      baselineVersion,
      searchScore: winner.gain,
      validatedGain: null,
      attempts: 0,
      detail: { cycle: request.cycleId, screening: winner.screening, reason },
      receivedAt: now,
    });
    await owe(tx, now, `promotions/${id}.json`, content);
    const data = { reason, cycle: request.cycleId, gain: winner.gain, sha256: sha256Hex(content) };
    await appendEvent(tx, { ts: now, kind: 'promotion.screened', subject: id, experiment, data });
    await addCounter(tx, 'kloros_promotions_total', { state: 'received' });
    ids.push(id);
  }
  return ids;
}
