import { KlorosError } from '../errors.ts';
import { nodeFileSystem } from '../files/filesystem.ts';
import { addCounter } from '../metrics/counters.ts';
import type { Database } from '../store/database.ts';
import { appendEvent } from '../store/ledger.ts';
import { type LockContext, lockIsHeld, readHolder } from './acquire.ts';
import { isOverdue } from './liveness.ts';
import type { Holder, LockName } from './types.ts';

/**
 * Throws unless `token` is the newest of its lock. Call it in the transaction of the commit: a lock with a time limit
 * protects nothing by itself, the resource has to refuse an old token (Kleppmann 2016, How to do distributed locking).
 * @throws KLR_E_FENCED
 */
export async function checkFence(tx: Database, name: LockName, token: number): Promise<void> {
  const newest = (await tx.get<{ token: number }>('SELECT token FROM fences WHERE name = ?', name))?.token;
  if (newest === token) return;
  throw new KlorosError(
    'KLR_E_FENCED',
    `token ${token} of the ${name} lock was outrun by ${newest ?? 'none'}`,
    {
      where: name,
    },
  );
}

export type OutrunResult =
  | { readonly outrun: true; readonly holder: Holder; readonly token: number }
  | { readonly outrun: false; readonly reason: string };

/**
 * Makes the token of a holder past its time to live worthless, and records it (`lock.outrun`). The lock itself stays
 * with the kernel until its process ends: what the holder does when it wakes up no longer commits. A holder is outrun
 * once; one that released meanwhile is left alone.
 */
export async function outrun(ctx: LockContext, name: LockName): Promise<OutrunResult> {
  const fs = ctx.fs ?? nodeFileSystem;
  const holder = readHolder(ctx.paths, name, fs);
  if (!holder || !lockIsHeld(ctx.paths, name, fs)) return { outrun: false, reason: 'nobody holds it' };
  if (!isOverdue(holder, ctx.clock.now())) return { outrun: false, reason: 'its holder is not overdue' };
  const token = holder.token + 1;
  return ctx.db.transaction(async (tx): Promise<OutrunResult> => {
    const changed = await tx.run(
      'UPDATE fences SET token = ? WHERE name = ? AND token = ?',
      token,
      name,
      holder.token,
    );
    if (changed === 0) return { outrun: false, reason: 'its holder is outrun already, or released it' };
    await appendEvent(tx, {
      ts: ctx.clock.now(),
      kind: 'lock.outrun',
      subject: name,
      data: { holder, token },
    });
    await addCounter(tx, 'kloros_lock_outrun_total', { lock: name });
    return { outrun: true, holder, token };
  });
}
