import { commitPromotion } from '../baseline/commit.ts';
import { currentBaseline } from '../baseline/current.ts';
import type { Params } from '../config/parameters.ts';
import { type ErrorCode, KlorosError } from '../errors.ts';
import { approve } from '../escrow/decide.ts';
import { getEntry, openEntry } from '../escrow/entries.ts';
import type { EscrowEntry } from '../escrow/types.ts';
import { runTick } from '../tick/run-tick.ts';
import { withBaselineLock } from '../tick/with-lock.ts';
import { outOfBounds } from './plants.ts';
import type { Drill, Gate } from './types.ts';

/** Held when the attempt is refused with this code. */
async function refusal(
  gate: Gate['gate'],
  planted: string,
  code: ErrorCode,
  attempt: () => Promise<unknown>,
): Promise<Gate> {
  try {
    await attempt();
    return { gate, planted, state: 'open', found: 'it was not refused' };
  } catch (error) {
    const known = error instanceof KlorosError ? error : null;
    const found = known ? `${known.code}: ${known.message}` : String(error);
    return { gate, planted, state: known?.code === code ? 'held' : 'open', found };
  }
}

const drillmaster = { reviewer: 'drill', reason: 'a drill' };

/** Approves the entry while its document says something else than what was asked for. */
function approveEdited({ ctx }: Drill, { id, document }: EscrowEntry): Promise<Gate> {
  const write = (text: string) => ctx.db.run('UPDATE escrow SET document = ? WHERE id = ?', text, id);
  const change = document.change as { to: Params };
  const edited = { ...document, change: { ...change, to: { ...change.to, edited: true } } };
  return refusal('escrow', 'an approval of an edited entry', 'KLR_E_ESCROW_CHANGED', async () => {
    await write(JSON.stringify(edited));
    try {
      await approve(ctx, id, drillmaster);
    } finally {
      await write(JSON.stringify(document));
    }
  });
}

/** Approves the entry, lets its time pass, and ticks. */
async function staleApproval({ ctx, pass, executor }: Drill, { id }: EscrowEntry): Promise<Gate> {
  const planted = 'a stale approval';
  const { version } = await currentBaseline(ctx.db, ctx.config);
  await approve(ctx, id, drillmaster);
  pass(ctx.config.escrow.expires + 1);
  const tick = await runTick(ctx, { executor });
  const { state } = await getEntry(ctx.db, id);
  const held = state === 'expired' && (await currentBaseline(ctx.db, ctx.config)).version === version;
  return {
    gate: 'escrow',
    planted,
    state: held ? 'held' : 'open',
    found: `${state}; ${tick.outcome}: ${tick.reason}`,
  };
}

/** What was accepted waits for a person; neither another change nor a late approval commits it. */
export async function escrowGates(drill: Drill): Promise<Gate[]> {
  const tick = await runTick(drill.ctx, { executor: drill.executor });
  const entry = await openEntry(drill.ctx.db, 'drill-better');
  const found = `nothing waits for a person: ${tick.outcome} ${tick.reason}`;
  if (!entry) return [{ gate: 'escrow', planted: 'what may not go alone', state: 'skipped', found }];
  return [
    { gate: 'escrow', planted: 'what may not go alone', state: 'held', found: entry.reasons.join('; ') },
    await approveEdited(drill, entry),
    await staleApproval(drill, entry),
  ];
}

/** The commit itself looks again, whatever the gates before it said. */
export async function commitGates({ ctx, name, experiment, plants }: Drill): Promise<Gate[]> {
  const { version, params } = await currentBaseline(ctx.db, ctx.config);
  const attempt = (id: string, changes: Params) => () =>
    withBaselineLock(ctx, 'drill', (lock) =>
      commitPromotion(ctx, lock, {
        promotion: { id, experiment: name },
        params: { ...params[name], ...changes },
        epochId: 'drill',
        escrowId: null,
        actor: 'drill',
        validatedAgainst: version,
      }),
    );
  const code = 'KLR_E_BASELINE_REFUSED';
  const gates: Gate[] = [];
  const [first] = plants;
  if (first)
    gates.push(
      await refusal('commit', 'what no epoch accepted', code, attempt('drill-unvalidated', first.changes)),
    );
  const wild = outOfBounds(experiment);
  if (wild) {
    await ctx.db.run(
      "INSERT INTO verdicts (epoch_id, promotion_id, verdict, reason, statistics, ts) VALUES ('drill', 'drill-forged', 'accept', 'forged', '{}', 0)",
    );
    const forged = attempt('drill-forged', { [wild.name]: wild.value });
    gates.push(await refusal('commit', 'a value out of bounds with a forged verdict', code, forged));
  }
  return gates;
}
