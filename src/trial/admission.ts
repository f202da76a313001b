import { diskRefusal, type GovernorContext, HOUR_MS, type Refusal, trialsLastHour } from './allowance.ts';
import { admit, triesAgainAt } from './breaker.ts';
import { changeBreaker, readBreaker } from './breaker-store.ts';

type Admission =
  /** `probe`: the breaker is half-open, and this is the trial that tries. */
  { readonly ok: true; readonly probe: boolean } | ({ readonly ok: false } & Refusal);

/** Decides of one trial after another whether it may start. Calls must not overlap. */
export interface Admissions {
  /** @param running trials of this process that are under way and not in the record yet */
  ask(experiment: string, running: number): Promise<Admission>;
}

const refuse = (cause: Refusal['cause'], reason: string): Admission => ({ ok: false, cause, reason });

async function askBreaker(ctx: GovernorContext, experiment: string): Promise<Admission> {
  const settings = ctx.config.governor.breaker;
  const now = ctx.clock.now();
  const admitted = await changeBreaker(ctx, experiment, (breaker) => admit(breaker, settings, now));
  if (admitted) return { ok: true, probe: admitted.state === 'half-open' };
  const breaker = await readBreaker(ctx.db, experiment);
  const again = new Date(triesAgainAt(breaker, settings, now)).toISOString();
  return refuse(
    'breaker',
    `${breaker.failures} trials of ${experiment} failed in a row: the next is tried at ${again}`,
  );
}

/** Fails closed: what cannot be told refuses. */
export function createAdmissions(ctx: GovernorContext): Admissions {
  /** Wall clock times at which trials were started here, whether or not their caller records them. */
  let starts: number[] = [];
  const began = ctx.clock.now();
  const most = ctx.config.governor.trials_per_hour;

  const ask = async (experiment: string, running: number): Promise<Admission> => {
    const disk = diskRefusal(ctx);
    if (disk) return { ok: false, ...disk };
    const now = ctx.clock.now();
    starts = starts.filter((at) => Math.abs(now - at) < HOUR_MS);
    const recorded = await trialsLastHour(ctx);
    const used = Math.max(recorded + running, (await trialsLastHour(ctx, began)) + starts.length);
    if (used >= most)
      return refuse('rate', `${used} trials in the last hour: governor.trials_per_hour is ${most}`);
    const admission = await askBreaker(ctx, experiment);
    if (admission.ok) starts.push(now);
    return admission;
  };

  return {
    ask: (experiment, running) =>
      ask(experiment, running).catch((error: unknown) =>
        refuse('unknown', `the governor cannot tell: ${String(error)}`),
      ),
  };
}
