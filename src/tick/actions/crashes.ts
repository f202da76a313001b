import type { Context } from '../../context.ts';
import type { CycleRequest } from '../../dream/types.ts';
import type { Database } from '../../store/database.ts';
import { fromJson } from '../../store/json.ts';
import { getMeta, setMeta } from '../../store/meta.ts';
import { pauseOf, putOff } from '../retries.ts';
import { countFailedEpoch, giveUpSearch } from './abandon.ts';

const KEY = 'crashes';
/** So many deaths of a process in a row, beyond `retry.attempts`, are waited out longer and longer; then it is given up. */
const MOST_PAUSES = 8;

/** How often a process died in the middle of each cycle or epoch, without a finished trial since the time before. */
type Crashes = Readonly<Record<string, { readonly trials: number; readonly times: number }>>;

type Unfinished = { id: string; experiment: string | null; request: string | null; trials: number };

/** One that died too often is put off, and in the end given up. */
async function holdBack(tx: Database, ctx: Context, row: Unfinished, times: number): Promise<void> {
  const { attempts } = ctx.config.retry;
  const { id, experiment, request } = row;
  const over = times - attempts;
  if (over <= 0) return;
  const reason = `its process died ${times} times without one finished trial`;
  const pause = pauseOf(over, ctx.config.retry);
  if (experiment === null || request === null) {
    if (over > MOST_PAUSES) await countFailedEpoch(tx, ctx, id, reason);
    else await putOff(tx, `phase:${id}`, ctx.clock.now(), pause);
  } else if (over > MOST_PAUSES) {
    const { promotions } = fromJson<CycleRequest>(request);
    await giveUpSearch(tx, ctx, { experiment, cycle: id, promotions }, reason);
  } else await putOff(tx, `dream:${experiment}`, ctx.clock.now(), pause);
}

/**
 * In the transaction that recovers: a cycle or epoch in which the process died again and again without getting anywhere
 * is held back, so that the rules below it get their turn. One that gets on is not.
 */
export async function holdBackCrashing(tx: Database, ctx: Context): Promise<void> {
  const before = fromJson<Crashes>((await getMeta(tx, KEY)) ?? '{}');
  const trials = '(SELECT COUNT(*) FROM trials WHERE owner = u.id) AS trials';
  const rows = await tx.all<Unfinished>(
    `SELECT id, experiment, request, ${trials} FROM cycles u WHERE state = 'running' UNION ALL
     SELECT id, NULL, NULL, ${trials} FROM epochs u WHERE state = 'running'`,
  );
  const crashes: Record<string, Crashes[string]> = {};
  for (const row of rows) {
    const last = before[row.id];
    const times = last?.trials === row.trials ? last.times + 1 : 1;
    crashes[row.id] = { trials: row.trials, times };
    await holdBack(tx, ctx, row, times);
  }
  await setMeta(tx, KEY, JSON.stringify(crashes));
}
