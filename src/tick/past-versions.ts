import { initialBaseline, listBaselines, throughConfig } from '../baseline/current.ts';
import type { Context } from '../context.ts';
import type { PastVersion } from '../escrow/types.ts';

/** More versions than a week can bring: each commit waits for the watch of the one before. */
const AT_MOST = 500;

/** The versions up to the one in force, oldest first, as far as `experiment` is concerned; version 0 is the defaults. */
export async function pastVersions(
  ctx: Pick<Context, 'db' | 'config'>,
  experiment: string,
): Promise<PastVersion[]> {
  const committed = await listBaselines(ctx.db, { limit: AT_MOST });
  const all = committed.length < AT_MOST ? [...committed, initialBaseline(ctx.config)] : committed;
  return all.toReversed().map((baseline) => {
    const { version, ts, kind, params } = throughConfig(baseline, ctx.config);
    return { version, ts, kind, params: params[experiment] ?? {} };
  });
}
