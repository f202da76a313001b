import { explainCommand, runCommand } from '../../baseline/run-command.ts';
import type { Context } from '../../context.ts';
import type { Control, StopReason } from '../../control.ts';

/** Between two looks at whether it has to end, ms. */
const LOOK_EVERY_MS = 500;

/** How an external program ended. It cannot be paused: what stops it, ends it. */
export type ExternalEnd =
  | { readonly state: 'done' }
  | { readonly state: 'failed' | 'timeout'; readonly reason: string }
  | { readonly state: 'stopped'; readonly stop: StopReason | null; readonly reason: string };

/** Enough to find programs, where the home's folders are, and nothing that holds a secret. */
function environment(ctx: Pick<Context, 'env' | 'paths'>, own: Readonly<Record<string, string>>) {
  const { PATH, HOME, LANG, TZ } = ctx.env;
  const { paths } = ctx;
  return {
    PATH,
    HOME,
    LANG,
    TZ,
    KLR_ORCHESTRATION_MODE: 'enabled',
    KLOROS_PROMOTIONS: paths.promotions,
    KLOROS_ACKS: paths.promotionAcks,
    KLOROS_SIGNALS: paths.signals,
    KLOROS_BASELINE: paths.baselineFile,
    ...own,
  };
}

/**
 * Runs a program of the configuration in place of a search or an epoch: no shell, a process group of its own, killed
 * when its time is over or the tick is asked to stop. Call it under the lock of what it stands for.
 */
export async function runExternal(
  ctx: Context,
  control: Control,
  program: {
    readonly command: readonly string[];
    readonly timeoutMs: number;
    readonly env: Readonly<Record<string, string>>;
  },
): Promise<ExternalEnd> {
  const { command, timeoutMs, env } = program;
  const began = ctx.clock.monotonic();
  const end = new AbortController();
  const look = setInterval(() => control.stopReason() !== null && end.abort(), LOOK_EVERY_MS);
  try {
    const signal = AbortSignal.any([control.abort, end.signal]);
    const result = await runCommand(command, {
      cwd: ctx.configDir,
      env: environment(ctx, env),
      timeoutMs,
      signal,
    });
    if (result.ok) return { state: 'done' };
    const reason = `${command[0]} ${explainCommand(result)}`;
    if (result.stopped) return { state: 'stopped', stop: control.stopReason(), reason };
    return { state: ctx.clock.monotonic() - began >= timeoutMs ? 'timeout' : 'failed', reason };
  } finally {
    clearInterval(look);
  }
}
