import type { Experiment } from '../config/schema.ts';
import { editAt, type Finding, type Opened } from './types.ts';

/** Trials of each experiment: enough to see its noise. */
const RUNS = 3;

/** What the trials of one experiment took and how much they differ. */
export interface EvaluatorFacts {
  readonly experiment: string;
  readonly domain: string;
  readonly completed: number;
  /** Mean, ms. */
  readonly durationMs: number;
  /** Standard deviation of the first objective as a share of its mean; null when fewer than two completed. */
  readonly noise: number | null;
}

function noiseOf(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return mean === 0 ? null : Math.sqrt(square) / Math.abs(mean);
}

interface Tried {
  readonly facts: EvaluatorFacts;
  readonly findings: Finding[];
}

async function tryOne(opened: Opened, name: string, experiment: Experiment): Promise<Tried> {
  const { ctx } = opened;
  const { currentBaseline } = await import('../baseline/current.ts');
  const { localExecutor } = await import('../trial/execute.ts');
  const { params } = await currentBaseline(ctx.db, ctx.config);
  const [domain = '', settings] = Object.entries(experiment.domains)[0] ?? [];
  const [objective] = experiment.objectives;
  const required = [...experiment.objectives, ...experiment.guardrails].map(({ metric }) => metric);
  const executor = localExecutor(ctx, 1);
  const results = [];
  for (let run = 0; run < RUNS; run++)
    results.push(
      await executor.run({
        id: `doctor-${process.pid}-${name.toLowerCase()}-${run}`,
        experiment: name,
        domain,
        domainArgs: settings?.args ?? {},
        params: params[name] ?? {},
        seed: 2 * run + 1,
        evaluator: experiment.evaluator,
        limits: experiment.limits,
        required,
      }),
    );
  const completed = results.filter(({ state }) => state === 'completed');
  const values = completed.map(({ metrics }) => metrics[objective?.metric ?? ''] ?? Number.NaN);
  const durationMs = results.reduce((sum, result) => sum + result.durationMs, 0) / RUNS;
  const facts = { experiment: name, domain, completed: completed.length, durationMs, noise: noiseOf(values) };
  return { facts, findings: judge(opened, facts, results) };
}

function judge(
  opened: Opened,
  { experiment, noise }: EvaluatorFacts,
  results: readonly { readonly state: string; readonly reason?: string; readonly outputTail: string }[],
): Finding[] {
  const mend = editAt(opened, `experiments.${experiment}.evaluator`);
  const failed = results.find(({ state }) => state !== 'completed');
  if (failed) {
    const tail = failed.outputTail.trim().split('\n').at(-1) ?? '';
    const what = `the evaluator of ${experiment} failed: ${failed.reason}${tail === '' ? '' : ` (${tail})`}`;
    return [{ code: 'evaluator.failed', level: 'error', what, mend }];
  }
  const least = opened.ctx.config.phase.min_gain;
  if (noise === null || noise <= 10 * least) return [];
  const share = (n: number) => `${(100 * n).toFixed(1)} %`;
  const what = `measurements of ${experiment} differ by ${share(noise)}, and a gain of ${share(least)} is to be seen`;
  return [{ code: 'evaluator.noisy', level: 'warning', what, mend: editAt(opened, 'phase.min_gain') }];
}

/** Runs the evaluator of each experiment on the baseline, in its first domain: minutes, as far as its limits go. */
export async function tryEvaluators(
  opened: Opened,
): Promise<{ facts: EvaluatorFacts[]; findings: Finding[] }> {
  const tried: Tried[] = [];
  for (const [name, experiment] of Object.entries(opened.ctx.config.experiments))
    tried.push(await tryOne(opened, name, experiment));
  return { facts: tried.map(({ facts }) => facts), findings: tried.flatMap(({ findings }) => findings) };
}
