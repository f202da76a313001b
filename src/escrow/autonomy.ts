import type { Parameter } from '../config/schema.ts';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import type { Database } from '../store/database.ts';
import { appendEvent } from '../store/ledger.ts';
import type { Autonomy, Demotion } from './types.ts';

/** From nothing to all; `frozen` stands below `propose`: not even a person's approval changes it before it is raised. */
const LADDER: readonly Autonomy[] = ['off', 'observe', 'frozen', 'propose', 'guarded', 'auto'];

const rank = (level: Autonomy) => LADDER.indexOf(level);
const lowerOf = (a: Autonomy, b: Autonomy): Autonomy => (rank(a) < rank(b) ? a : b);

/** One step down after a surprise. A person decides below `guarded` anyway: further down it does not go by itself. */
const stepDown = (level: Autonomy): Autonomy =>
  level === 'auto' ? 'guarded' : level === 'guarded' ? 'propose' : level;

/** What was taken away, or given back by a person, of the autonomy of parameters: by the parameter's name. */
export type Demotions = ReadonlyMap<string, Demotion>;

/** How far a parameter may go alone now: what the configuration grants, less what was taken away. Pure. */
export function autonomyNow(
  parameter: Pick<Parameter, 'autonomy'>,
  demotion: Demotion | undefined,
): Autonomy {
  return demotion ? lowerOf(parameter.autonomy, demotion.level) : parameter.autonomy;
}

type Row = Omit<Demotion, 'version'> & { version: number | null };

/** Every demotion and raise that is on record, of one experiment or of all. */
export async function readDemotions(db: Database, experiment?: string): Promise<Demotion[]> {
  const columns = 'experiment, parameter, level, reason, version, actor, ts';
  return experiment === undefined
    ? db.all<Row>(`SELECT ${columns} FROM autonomy ORDER BY experiment, parameter`)
    : db.all<Row>(`SELECT ${columns} FROM autonomy WHERE experiment = ? ORDER BY parameter`, experiment);
}

/** The demotions of one experiment by parameter. */
export async function demotionsOf(db: Database, experiment: string): Promise<Demotions> {
  return new Map((await readDemotions(db, experiment)).map((d) => [d.parameter, d]));
}

async function write(tx: Database, kind: 'autonomy.lowered' | 'autonomy.raised', d: Demotion): Promise<void> {
  await tx.run(
    `INSERT INTO autonomy (experiment, parameter, level, reason, version, actor, ts) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (experiment, parameter) DO UPDATE SET level = excluded.level, reason = excluded.reason,
     version = excluded.version, actor = excluded.actor, ts = excluded.ts`,
    d.experiment,
    d.parameter,
    d.level,
    d.reason,
    d.version,
    d.actor,
    d.ts,
  );
  const { experiment, parameter, ts, ...data } = d;
  await appendEvent(tx, { ts, kind, subject: `${experiment}.${parameter}`, experiment, data });
}

type Store = Pick<Context, 'clock' | 'config'>;

/**
 * Takes autonomy from parameters, in the transaction of what gave cause for it: one step down after a surprise, all of
 * it (`frozen`) when a parameter flaps. It never gives any: what is lower already stays.
 * @param cause why, and the baseline version it is about
 */
export async function lowerAutonomy(
  tx: Database,
  ctx: Store,
  experiment: string,
  parameters: readonly string[],
  cause: { readonly reason: string; readonly version: number; readonly freeze?: boolean },
): Promise<void> {
  const known = await demotionsOf(tx, experiment);
  for (const name of parameters) {
    const parameter = ctx.config.experiments[experiment]?.parameters[name];
    if (!parameter) continue;
    const now = autonomyNow(parameter, known.get(name));
    const level = cause.freeze ? lowerOf(now, 'frozen') : stepDown(now);
    if (level === now) continue;
    const { reason, version } = cause;
    const ts = ctx.clock.now();
    await write(tx, 'autonomy.lowered', {
      experiment,
      parameter: name,
      level,
      reason,
      version,
      actor: 'kloros',
      ts,
    });
  }
}

/** `experiment.parameter`, or the parameter alone where one experiment has it. @throws KLR_E_NOT_FOUND */
function find(
  ctx: Store,
  name: string,
): { experiment: string; parameter: string; configured: Parameter['autonomy'] } {
  const found = Object.entries(ctx.config.experiments).flatMap(([experiment, { parameters }]) =>
    Object.entries(parameters)
      .filter(([parameter]) => name === `${experiment}.${parameter}` || name === parameter)
      .map(([parameter, { autonomy }]) => ({ experiment, parameter, configured: autonomy })),
  );
  const [one, ...others] = found;
  if (one && others.length === 0) return one;
  const names = found.map((f) => `${f.experiment}.${f.parameter}`).join(', ');
  throw new KlorosError(
    'KLR_E_NOT_FOUND',
    one ? `${name} is one of several` : `no parameter ${JSON.stringify(name)}`,
    {
      where: name,
      hint: one ? `Name one: ${names}.` : 'See `kloros escrow autonomy list`.',
    },
  );
}

/**
 * A person gives autonomy back: up to what the configuration grants, or to `ask.to` below that.
 * @param name `experiment.parameter`
 * @throws KLR_E_NOT_FOUND; KLR_E_ESCROW_REVIEWER without a name or reason; KLR_E_ESCROW_AUTONOMY when that raises nothing
 */
export async function raiseAutonomy(
  ctx: Store & Pick<Context, 'db'>,
  name: string,
  ask: { readonly to?: Autonomy | undefined; readonly actor: string; readonly reason: string },
): Promise<Demotion> {
  const { experiment, parameter, configured } = find(ctx, name);
  if (ask.reason.trim() === '' || ask.actor.trim() === '')
    throw new KlorosError('KLR_E_ESCROW_REVIEWER', 'raising autonomy needs a name and a reason');
  return ctx.db.transaction(async (tx) => {
    const now = autonomyNow({ autonomy: configured }, (await demotionsOf(tx, experiment)).get(parameter));
    const level = ask.to ?? configured;
    const where = `${experiment}.${parameter}`;
    if (rank(level) > rank(configured))
      throw new KlorosError(
        'KLR_E_ESCROW_AUTONOMY',
        `kloros.yaml grants ${where} no more than ${configured}`,
        { where },
      );
    if (rank(level) <= rank(now))
      throw new KlorosError('KLR_E_ESCROW_AUTONOMY', `${where} is ${now} already: ${level} raises nothing`, {
        where,
      });
    const raised = {
      experiment,
      parameter,
      level,
      reason: ask.reason.trim(),
      version: null,
      actor: ask.actor,
      ts: ctx.clock.now(),
    };
    await write(tx, 'autonomy.raised', raised);
    return raised;
  });
}

/**
 * Looked at again where a change is approved and where it is committed: nothing changes a frozen parameter.
 * @throws KLR_E_ESCROW_FROZEN
 */
export async function refuseFrozen(
  tx: Database,
  experiment: string,
  parameters: readonly string[],
  where: string,
): Promise<void> {
  const known = await demotionsOf(tx, experiment);
  const frozen = parameters.filter((name) => known.get(name)?.level === 'frozen');
  if (frozen.length > 0)
    throw new KlorosError(
      'KLR_E_ESCROW_FROZEN',
      `${frozen.map((n) => `${experiment}.${n}`).join(', ')} is frozen`,
      {
        where,
      },
    );
}
