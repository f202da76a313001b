import type { Context } from '../context.ts';
import { readDropped } from '../files/read-safe.ts';
import { appendEvent } from '../store/ledger.ts';
import { deliverOutbox, owe } from '../store/outbox.ts';

/** `observe` decides and records, and acts on nothing. */
export type Mode = 'disabled' | 'observe' | 'enabled';

/** The variable that overrides the stored mode; empty counts as not set. */
export const MODE_VARIABLE = 'KLR_ORCHESTRATION_MODE';

const MODES: readonly string[] = ['disabled', 'observe', 'enabled'] satisfies Mode[];

export interface ModeState {
  readonly mode: Mode;
  readonly origin: 'environment' | 'file' | 'none';
  /** What is wrong with what was found, when it is; the mode is `disabled` then. */
  readonly problem: string | null;
}

function judge(word: string, origin: ModeState['origin']): ModeState {
  if (MODES.includes(word)) return { mode: word as Mode, origin, problem: null };
  return { mode: 'disabled', origin, problem: `${JSON.stringify(word.slice(0, 40))} is no mode` };
}

/** The mode and where it comes from. Whatever is not clearly a mode is `disabled`. */
export function modeState(ctx: Pick<Context, 'paths' | 'fs' | 'env'>): ModeState {
  const override = ctx.env[MODE_VARIABLE];
  if (override) return judge(override.trim(), 'environment');
  const read = readDropped(ctx.fs, ctx.paths.mode, { maxBytes: 1024 });
  if (read.ok) return judge(read.text.trim(), 'file');
  if (read.code === 'missing') return { mode: 'disabled', origin: 'none', problem: null };
  return { mode: 'disabled', origin: 'file', problem: `the mode file cannot be read: ${read.reason}` };
}

/** The mode that is in force; logs why when it is `disabled` because what was found is not a mode. */
export function readMode(ctx: Pick<Context, 'paths' | 'fs' | 'env' | 'log'>): Mode {
  const { mode, origin, problem } = modeState(ctx);
  if (problem !== null) ctx.log.event('mode.unknown', { reason: problem, origin });
  return mode;
}

/**
 * Stores a mode, with an event that says who changed it from what.
 * @param actor who asks, for the ledger
 * @throws KLR_E_DISK_FULL, KLR_E_HOME_READ_ONLY; the next tick writes what is owed
 */
export async function writeMode(
  ctx: Pick<Context, 'paths' | 'fs' | 'db' | 'clock'>,
  mode: Mode,
  actor: string,
): Promise<void> {
  const now = ctx.clock.now();
  const before = modeState({ ...ctx, env: {} }).mode;
  await ctx.db.transaction(async (tx) => {
    await appendEvent(tx, {
      ts: now,
      kind: 'mode.changed',
      subject: 'mode',
      data: { from: before, to: mode, actor },
    });
    await owe(tx, now, 'mode', `${mode}\n`);
  });
  await deliverOutbox(ctx);
}
