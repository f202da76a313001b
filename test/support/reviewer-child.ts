/** A reviewer as a process: decides on each entry named, in turn, and prints which decisions were taken. */
import { approve, reject } from '../../src/escrow/queue.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { systemClock } from '../../src/time/clock.ts';
import { parseConfig } from './context.ts';

const [database = '', verb = '', ...ids] = process.argv.slice(2);
const ctx = { clock: systemClock, config: parseConfig(), db: await openSqlite(database) };
const decide = verb === 'approve' ? approve : reject;
// Both start when their input ends, which the parent does for both at once.
for await (const _ of process.stdin);
for (const id of ids) {
  const taken = await decide(ctx, id, { reviewer: verb, reason: 'a race' }).then(
    () => true,
    (error: { code?: string }) => error.code,
  );
  process.stdout.write(`${JSON.stringify([id, taken])}\n`);
}
await ctx.db.close();
