import type { Context } from '../context.ts';
import { addCounter } from '../metrics/counters.ts';
import type { Database } from '../store/database.ts';
import { fromJson } from '../store/json.ts';
import { appendEvent } from '../store/ledger.ts';
import { getMeta, setMeta } from '../store/meta.ts';
import { type Breaker, CLOSED } from './breaker.ts';

const key = (experiment: string) => `breaker.${experiment}`;

/** The breaker of an experiment; closed when nothing failed yet. */
export async function readBreaker(db: Database, experiment: string): Promise<Breaker> {
  const stored = await getMeta(db, key(experiment));
  return stored === undefined ? CLOSED : fromJson<Breaker>(stored);
}

/** Puts what `next` makes of the breaker in its place, and records when it opens or closes. Null changes nothing. */
export async function changeBreaker(
  ctx: Pick<Context, 'db' | 'clock'>,
  experiment: string,
  next: (breaker: Breaker) => Breaker | null,
): Promise<Breaker | null> {
  const before = await readBreaker(ctx.db, experiment);
  const unchanged = next(before);
  if (unchanged === null || unchanged === before) return unchanged;
  return ctx.db.transaction(async (tx) => {
    const from = await readBreaker(tx, experiment);
    const to = next(from);
    if (to === null || to === from) return to;
    await setMeta(tx, key(experiment), JSON.stringify(to));
    if (to.state !== from.state) await record(tx, ctx.clock.now(), experiment, to);
    return to;
  });
}

async function record(tx: Database, ts: number, experiment: string, breaker: Breaker): Promise<void> {
  const { state, failures } = breaker;
  await appendEvent(tx, {
    ts,
    kind: `breaker.${state}`,
    subject: experiment,
    experiment,
    data: { failures },
  });
  if (state === 'open') await addCounter(tx, 'kloros_breaker_opened_total', { experiment });
}
