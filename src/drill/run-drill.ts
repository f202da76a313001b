import { currentBaseline } from '../baseline/current.ts';
import type { Experiment } from '../config/schema.ts';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { appendEvent } from '../store/ledger.ts';
import { setMeta } from '../store/meta.ts';
import { commitGates, escrowGates } from './decision-gates.ts';
import { type Behaviour, keyOf, syntheticExecutor } from './evaluator.ts';
import { phaseGates, scanGates, screeningGates } from './measuring-gates.ts';
import { choosePlants } from './plants.ts';
import { openSandbox } from './sandbox.ts';
import type { Drill, DrillResult, Gate } from './types.ts';

/** The control comes first: where it cannot be planted, nothing that is blocked proves anything. */
const BEHAVIOURS: readonly Behaviour[] = ['better', 'regressor', 'cheater', 'lucky'];

/** The experiment that is drilled. @throws KLR_E_NOT_FOUND */
function chosen(ctx: Context, wanted: string | undefined): [string, Experiment] {
  const all = Object.entries(ctx.config.experiments);
  const found = wanted === undefined ? all[0] : all.find(([name]) => name === wanted);
  if (found) return found;
  throw new KlorosError('KLR_E_NOT_FOUND', `there is no experiment ${JSON.stringify(wanted)}`, {
    hint: `Name one of: ${all.map(([name]) => name).join(', ')}.`,
  });
}

/** Whatever any gate let through. */
async function baselineGate({ ctx }: Drill, before: number): Promise<Gate> {
  const { version } = await currentBaseline(ctx.db, ctx.config);
  const held = version === before;
  const found = held ? `still v${before}` : `v${version} came after v${before}`;
  return { gate: 'commit', planted: 'all of these', state: held ? 'held' : 'open', found };
}

async function gatesOf(drill: Drill): Promise<Gate[]> {
  const { version } = await currentBaseline(drill.ctx.db, drill.ctx.config);
  return [
    ...(await scanGates(drill)),
    ...(await screeningGates(drill)),
    ...(await phaseGates(drill)),
    ...(await escrowGates(drill)),
    ...(await commitGates(drill)),
    await baselineGate(drill, version),
  ];
}

async function record(ctx: Context, result: DrillResult): Promise<void> {
  const ts = ctx.clock.now();
  const { passed, experiment, gates } = result;
  const kind = passed ? 'drill.passed' : 'drill.failed';
  await ctx.db.transaction(async (tx) => {
    await appendEvent(tx, { ts, kind, subject: experiment, experiment, data: { gates } });
    if (passed) await setMeta(tx, 'drilled_at', String(ts));
  });
}

/**
 * Plants known-bad promotions in a copy of the home, with the home's own bounds, guardrails and rules and a synthetic
 * evaluator, and looks whether each gate blocks them. Of the home itself only the ledger is written, and when the last
 * drill passed.
 * @param wanted the experiment; default: the first
 * @throws KLR_E_NOT_FOUND
 */
export async function runDrill(ctx: Context, wanted?: string): Promise<DrillResult> {
  const started = ctx.clock.monotonic();
  const [name, experiment] = chosen(ctx, wanted);
  const sandbox = await openSandbox(ctx, name, experiment, BEHAVIOURS.length);
  try {
    const baseline = (await currentBaseline(sandbox.ctx.db, sandbox.ctx.config)).params[name] ?? {};
    const plants = choosePlants(experiment, baseline, BEHAVIOURS);
    const behaviours = new Map<string, Behaviour>([
      [keyOf(baseline), 'baseline'],
      ...plants.map((p) => [keyOf(p.params), p.behaviour] as const),
    ]);
    const executor = syntheticExecutor(experiment, behaviours, sandbox.ctx.clock);
    const gates = await gatesOf({ ...sandbox, name, experiment, plants, executor });
    const passed = gates.every(({ state }) => state !== 'open');
    const durationMs = Math.round(ctx.clock.monotonic() - started);
    const result: DrillResult = { schema: 'kloros.drill/v1', experiment: name, passed, gates, durationMs };
    await record(ctx, result);
    return result;
  } finally {
    await sandbox.dispose();
  }
}
