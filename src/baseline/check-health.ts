import type { Params } from '../config/parameters.ts';
import type { Experiment } from '../config/schema.ts';
import type { Context } from '../context.ts';
import type { Control } from '../control.ts';
import type { Executor, TrialRequest, TrialResult } from '../trial/types.ts';
import { checkHttp } from './check-http.ts';
import { checkPromql } from './check-promql.ts';
import { compareHealth, type HealthPair } from './compare-health.ts';
import { baselineAt } from './current.ts';
import { explainCommand, runCommand } from './run-command.ts';
import type { Finding, WatchHooks } from './types.ts';
import type { Watch } from './watch-store.ts';

const unknown = (reason: string): Finding => ({ result: 'unknown', reason });

async function byCommand(
  ctx: Context,
  watch: Watch,
  experiment: Experiment,
  control: Control,
): Promise<Finding | null> {
  const { health, timeout } = experiment.watch;
  if (health === undefined) return null;
  const result = await runCommand(health, {
    cwd: ctx.configDir,
    env: {
      ...ctx.env,
      KLOROS_EXPERIMENT: watch.experiment,
      KLOROS_BASELINE_VERSION: String(watch.version),
    },
    timeoutMs: timeout,
    signal: control.abort,
  });
  if (result.ok) return { result: 'healthy', reason: 'the health command exited with 0' };
  if (result.stopped) return unknown('stopped');
  return { result: 'unhealthy', reason: `the health command ${explainCommand(result)}` };
}

/** What of two results can be compared; a trial that was stopped, or failed with the previous baseline too, says nothing. */
function pairUp(
  domain: string,
  weight: number,
  watched: TrialResult,
  previous: TrialResult,
): HealthPair | Finding {
  if (watched.state === 'stopped') return unknown(`${domain}: ${watched.reason}`);
  if (previous.state === 'stopped') return unknown(`${domain}: ${previous.reason}`);
  if (previous.state === 'failed')
    return unknown(`${domain}: the previous baseline could not be measured: ${previous.reason}`);
  if (watched.state === 'failed')
    return { result: 'unhealthy', reason: `${domain}: the trial failed: ${watched.reason}` };
  return { domain, weight, watched: watched.metrics, previous: previous.metrics };
}

/** Measures the watched and the previous baseline in one domain, one after the other, with the same seed. */
async function measure(
  ctx: Context,
  executor: Executor,
  control: Control,
  trial: Omit<TrialRequest, 'params'>,
  params: { readonly watched: Params; readonly previous: Params },
): Promise<{ watched: TrialResult; previous: TrialResult }> {
  const run = (which: 'watched' | 'previous') =>
    executor.run({ ...trial, id: `${trial.id}-${which}`, params: params[which] }, { signal: control.abort });
  // Whoever comes first has the colder machine: the order is drawn.
  if (ctx.random() < 0.5) {
    const watched = await run('watched');
    return { watched, previous: await run('previous') };
  }
  const previous = await run('previous');
  return { watched: await run('watched'), previous };
}

/** Trials of the watched and the previous baseline in each domain. */
async function byTrials(
  ctx: Context,
  watch: Watch,
  experiment: Experiment,
  executor: Executor,
  control: Control,
): Promise<Finding> {
  const { experiment: name, version } = watch;
  const watched = (await baselineAt(ctx.db, ctx.config, version))?.params[name];
  const previous = (await baselineAt(ctx.db, ctx.config, version - 1))?.params[name];
  if (!watched || !previous) return unknown(`v${version - 1} is not there to compare with`);
  const domains = Object.entries(experiment.domains);
  const pairs: HealthPair[] = [];
  for (const [index, [domain, { args, weight }]] of domains.entries()) {
    if (control.abort.aborted) return unknown('stopped');
    const message = `v${version} beside v${version - 1} in ${domain}`;
    control.progress({ stage: 'watch', done: index, total: domains.length, leftMs: null, message });
    const seed = Math.floor(ctx.random() * 2 ** 32);
    const trial = {
      id: `watch-${version}-${index}-${seed.toString(36)}`,
      experiment: name,
      domain,
      domainArgs: args,
      seed,
      evaluator: experiment.evaluator,
      limits: experiment.limits,
      required: [...experiment.objectives, ...experiment.guardrails].map(({ metric }) => metric),
    };
    const results = await measure(ctx, executor, control, trial, { watched, previous });
    const pair = pairUp(domain, weight, results.watched, results.previous);
    if ('result' in pair) return pair;
    pairs.push(pair);
  }
  return compareHealth(experiment, pairs);
}

/** Of several findings the worst: nothing is healthy that one of them does not know to be. */
function worstOf(findings: readonly Finding[]): Finding {
  const found = (wanted: Finding['result']) => findings.find(({ result }) => result === wanted);
  const reason = findings.map((f) => f.reason).join('; ');
  return found('unhealthy') ?? found('unknown') ?? { result: 'healthy', reason };
}

/**
 * One look at the health of the watched baseline: by command, HTTP probe and PromQL, all that are configured, or else
 * by trials beside the previous one. Never throws for what the target does.
 */
export async function checkHealth(
  ctx: Context,
  watch: Watch,
  experiment: Experiment,
  executor: Executor,
  control: Control,
  hooks: WatchHooks,
): Promise<Finding> {
  const { http, promql } = experiment.watch;
  const findings = [
    await byCommand(ctx, watch, experiment, control),
    http ? await checkHttp(http, control.abort) : null,
    promql ? await checkPromql(promql, watch, ctx.clock.now(), hooks.compareTimes, control.abort) : null,
  ].filter((finding) => finding !== null);
  return findings.length > 0 ? worstOf(findings) : byTrials(ctx, watch, experiment, executor, control);
}
