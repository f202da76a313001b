import type { Command } from 'commander';
import type { Context } from '../context.ts';
import type { Force, TickResult } from '../tick/types.ts';
import { withHome } from './home.ts';
import type { Output } from './output.ts';
import { progressLine } from './progress.ts';
import { shutdownSignal } from './signals.ts';
import { tickWords } from './tick-words.ts';

/** What came of a forced tick, beside its result: the cycle or epoch, and how it reads. */
export interface Aftermath {
  readonly json: Readonly<Record<string, unknown>>;
  readonly words: string;
}

/** Once more after a tick that only recovered what a dead process left. */
const TRIES = 2;

/**
 * Runs a tick that does what a person asked for, with progress, and prints what came of it. Mode, kill switch and
 * locks hold as in any tick.
 * @param force undefined: what the loop itself would do now
 */
export async function forcedTick(
  command: Command,
  work: {
    /** Throws when it cannot be done; before anything else. */
    readonly check?: (ctx: Context) => Promise<void>;
    readonly force: Force | undefined;
    readonly aftermath: (ctx: Context, startedAt: number, out: Output) => Promise<Aftermath | null>;
  },
): Promise<void> {
  await withHome(command, 'write', async (ctx, out) => {
    await work.check?.(ctx);
    const { runTick } = await import('../tick/run-tick.ts');
    const progress = progressLine(out.quiet || out.json);
    const startedAt = ctx.clock.now();
    const options = { shutdown: shutdownSignal(), onProgress: progress.show };
    let result: TickResult | null = null;
    for (let tries = 0; tries < TRIES && (result === null || result.outcome === 'RECOVERED'); tries++)
      result = await runTick(ctx, work.force ? { ...options, force: work.force } : options);
    progress.end();
    if (result === null) return;
    const after = await work.aftermath(ctx, startedAt, out);
    out.data({ schema: 'kloros.tick/v1', ...result, ...after?.json }, () =>
      [tickWords(result, ctx.clock.now(), out), ...(after ? [after.words] : [])].join('\n\n'),
    );
    process.exitCode = result.exit;
  });
}
