/**
 * A process of its own that opens a home and ticks on it, to be killed. Its ids and seeds are drawn from SEED, so that
 * two runs can be compared; at the KILL_AT-th call of the file system that changes something it ends as by `kill -9`.
 */
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { closeContext, openContext } from '../../src/home/open.ts';
import { runTick } from '../../src/tick/run-tick.ts';
import { seededRandom } from '../support/context.ts';

const CHANGING = new Set([
  'openSync',
  'writeSync',
  'fsyncSync',
  'renameSync',
  'unlinkSync',
  'rmSync',
  'mkdirSync',
]);

let calls = 0;
const killAt = Number(process.env.KILL_AT ?? 0);
const fs = new Proxy(nodeFileSystem, {
  get(target, name, receiver) {
    const real: unknown = Reflect.get(target, name, receiver);
    if (typeof real !== 'function' || !CHANGING.has(String(name))) return real;
    return (...args: unknown[]) => {
      calls += 1;
      if (calls === killAt) process.kill(process.pid, 'SIGKILL');
      return Reflect.apply(real, target, args);
    };
  },
});

const [home = '', what] = process.argv.slice(2);
const opened = await openContext({ home, env: { PATH: process.env.PATH }, fs });
const ctx = { ...opened, random: seededRandom(Number(process.env.SEED ?? 1)) };
const waiting = await ctx.db.get<{ n: number }>(
  `SELECT COUNT(*) AS n FROM promotions WHERE state = 'screened'
   AND NOT EXISTS (SELECT 1 FROM verdicts v WHERE v.promotion_id = promotions.id AND v.carried_out_at IS NULL)`,
);
const begun = await ctx.db.get<{ n: number }>(
  "SELECT COUNT(*) AS n FROM epochs WHERE state IN ('running', 'paused')",
);
const forced = what === 'phase' || (what === 'onward' && (waiting?.n ?? 0) > 0 && begun?.n === 0);
const { outcome, exit, reason } = await runTick(ctx, forced ? { force: { kind: 'phase' } } : {});
await closeContext(ctx);
console.log(JSON.stringify({ outcome, exit, reason, calls }));
