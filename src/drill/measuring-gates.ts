import { currentBaseline } from '../baseline/current.ts';
import { markScreened } from '../promotion/records.ts';
import { scanPromotions } from '../promotion/scan.ts';
import { deliverOutbox } from '../store/outbox.ts';
import { runTick } from '../tick/run-tick.ts';
import type { Behaviour } from './evaluator.ts';
import { outOfBounds, plant } from './plants.ts';
import type { Drill, Gate } from './types.ts';

const WORDS: Readonly<Record<string, string>> = {
  better: 'a true improvement (it has to pass)',
  regressor: 'a regressor',
  cheater: 'a guardrail cheater',
  lucky: 'a lucky outlier',
};

/** Ticks of a drill until none of its promotions is merely received, at most. */
const TICKS = 4;

/** How a dropped file ended; null: it was not read. */
async function stateOf({ ctx }: Drill, id: string): Promise<{ state: string; why: string } | null> {
  const row = await ctx.db.get<{ id: string; state: string }>(
    'SELECT id, state FROM promotions WHERE file = ?',
    `${id}.json`,
  );
  if (!row) return null;
  const event = await ctx.db.get<{ data: string }>(
    "SELECT data FROM events WHERE subject = ? AND kind = 'promotion.rejected' ORDER BY seq DESC LIMIT 1",
    row.id,
  );
  const { reason = row.state } = event ? (JSON.parse(event.data) as { reason?: string }) : {};
  return { state: row.state, why: reason };
}

async function rejectedGate(drill: Drill, gate: Gate['gate'], id: string, planted: string): Promise<Gate> {
  const found = await stateOf(drill, id);
  const held = found?.state === 'rejected';
  const why = found === null ? 'it was not read' : found.why;
  return {
    gate,
    planted,
    state: held ? 'held' : 'open',
    found: held ? why : `it is ${found?.state ?? 'lost'}: ${why}`,
  };
}

/** What no promotion may say is answered as it is read. */
export async function scanGates(drill: Drill): Promise<Gate[]> {
  const { ctx, name, experiment } = drill;
  const wild = outOfBounds(experiment);
  const skipped = (planted: string): Gate => ({
    gate: 'scan',
    planted,
    state: 'skipped',
    found: 'no parameter may be promoted',
  });
  if (wild) {
    plant(ctx, name, 'drill-out-of-bounds', { [wild.name]: wild.value });
    plant(ctx, name, 'drill-nan', `{${JSON.stringify(wild.name)}:NaN}`);
  }
  plant(ctx, name, 'drill-unknown', { no_such_parameter: 1 });
  await scanPromotions(ctx, await currentBaseline(ctx.db, ctx.config));
  await deliverOutbox(ctx);
  return [
    wild
      ? await rejectedGate(drill, 'scan', 'drill-out-of-bounds', 'a value out of bounds')
      : skipped('a value out of bounds'),
    wild ? await rejectedGate(drill, 'scan', 'drill-nan', 'NaN') : skipped('NaN'),
    await rejectedGate(drill, 'scan', 'drill-unknown', 'an unknown parameter'),
  ];
}

/** Why a behaviour cannot be planted here; null when it can. */
function missing({ plants, experiment }: Drill, behaviour: Behaviour): string | null {
  if (behaviour === 'cheater' && experiment.guardrails.length === 0)
    return 'there are no guardrails to cheat';
  return plants.some((p) => p.behaviour === behaviour) ? null : 'the space has too few configurations';
}

async function forEach(
  drill: Drill,
  gate: Gate['gate'],
  behaviours: readonly Behaviour[],
  look: (behaviour: Behaviour) => Promise<Gate>,
): Promise<Gate[]> {
  const gates: Gate[] = [];
  for (const behaviour of behaviours) {
    const why = missing(drill, behaviour);
    const planted = WORDS[behaviour] ?? behaviour;
    gates.push(why === null ? await look(behaviour) : { gate, planted, state: 'skipped', found: why });
  }
  return gates;
}

const BAD: readonly Behaviour[] = ['regressor', 'cheater'];

/** A D-REAM cycle measures what was proposed beside the baseline, and turns down what is worse or cheats. */
export async function screeningGates(drill: Drill): Promise<Gate[]> {
  const { ctx, name, plants, executor } = drill;
  for (const p of plants)
    if (BAD.includes(p.behaviour) && missing(drill, p.behaviour) === null)
      plant(ctx, name, `drill-screening-${p.behaviour}`, p.changes);
  for (let tick = 0; tick < TICKS; tick++) {
    const open = await ctx.db.get("SELECT id FROM promotions WHERE state = 'received'");
    if (tick > 0 && !open) break;
    await runTick(ctx, { executor });
  }
  return forEach(drill, 'screening', BAD, (behaviour) =>
    rejectedGate(drill, 'screening', `drill-screening-${behaviour}`, WORDS[behaviour] ?? behaviour),
  );
}

/** An epoch validates what claims to be screened: the improvement alone is accepted. */
export async function phaseGates(drill: Drill): Promise<Gate[]> {
  const { ctx, name, plants, executor } = drill;
  const wanted = plants.filter((p) => missing(drill, p.behaviour) === null);
  for (const p of wanted) plant(ctx, name, `drill-${p.behaviour}`, p.changes);
  await scanPromotions(ctx, await currentBaseline(ctx.db, ctx.config));
  await ctx.db.transaction(async (tx) => {
    for (const { behaviour } of wanted)
      await markScreened(tx, ctx, `drill-${behaviour}`, { gain: 0.5, screening: { drill: true } });
  });
  const epoch = await runTick(ctx, { executor, force: { kind: 'phase' } });
  return forEach(drill, 'PHASE', ['better', 'regressor', 'cheater', 'lucky'], async (behaviour) => {
    const verdict = await ctx.db.get<{ verdict: string; reason: string }>(
      'SELECT verdict, reason FROM verdicts WHERE promotion_id = ?',
      `drill-${behaviour}`,
    );
    const accepted = verdict?.verdict === 'accept';
    const held = verdict !== undefined && accepted === (behaviour === 'better');
    const found = verdict
      ? `${verdict.verdict}: ${verdict.reason}`
      : `no verdict: ${epoch.outcome} ${epoch.reason}`;
    return { gate: 'PHASE', planted: WORDS[behaviour] ?? behaviour, state: held ? 'held' : 'open', found };
  });
}
