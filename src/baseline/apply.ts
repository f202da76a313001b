import { resolve } from 'node:path';
import type { ApplyConfig, Experiment } from '../config/schema.ts';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { addCounter } from '../metrics/counters.ts';
import type { Database } from '../store/database.ts';
import { canonicalJson } from '../store/json.ts';
import { appendEvent } from '../store/ledger.ts';
import { type BaselineRow, fromRow, initialBaseline, throughConfig } from './current.ts';
import { renderTarget } from './render.ts';
import { explainCommand, runCommand } from './run-command.ts';
import { readTarget, readText, writeTarget } from './target-file.ts';
import type { ApplyResult, Baseline } from './types.ts';

type Failure = Extract<ApplyResult, { state: 'failed' }>;
type Applied = Experiment & { readonly apply: ApplyConfig };

/**
 * The experiments whose target may hold something else than this version says: their parameters are not the same in
 * every version since the last one that was applied. Others are left alone, and so are their services.
 */
async function concerned(ctx: Context, baseline: Baseline): Promise<[string, Applied][]> {
  const last = await ctx.db.get<{ version: number | null }>(
    "SELECT MAX(version) AS version FROM baselines WHERE version < ? AND apply_state = 'applied'",
    baseline.version,
  );
  const rows = await ctx.db.all<BaselineRow>(
    'SELECT * FROM baselines WHERE version >= ? AND version < ?',
    last?.version ?? 0,
    baseline.version,
  );
  const since = rows.map((row) => throughConfig(fromRow(row), ctx.config));
  if (!last?.version) since.push(initialBaseline(ctx.config));
  const now = throughConfig(baseline, ctx.config).params;
  return Object.entries(ctx.config.experiments).filter(
    (entry): entry is [string, Applied] =>
      entry[1].apply !== undefined &&
      since.some(({ params }) => canonicalJson(params[entry[0]]) !== canonicalJson(now[entry[0]])),
  );
}

/**
 * Writes the target's file, when it is not as it should be. Inside a transaction, while no other version can be
 * committed: an older baseline never lands on top of a newer one.
 */
async function writeFile(ctx: Context, baseline: Baseline, name: string, experiment: Applied): Promise<void> {
  const { fs, configDir } = ctx;
  const { apply } = experiment;
  const params = throughConfig(baseline, ctx.config).params[name] ?? {};
  const template = apply.template === undefined ? '' : readText(fs, resolve(configDir, apply.template));
  await ctx.db.transaction(async (tx) => {
    const top = await tx.get<{ version: number | null }>('SELECT MAX(version) AS version FROM baselines');
    if (top?.version !== baseline.version)
      throw new KlorosError('KLR_E_APPLY_FAILED', `v${top?.version} is in force`, { where: name });
    const target = readTarget(fs, configDir, apply.file);
    const text = await renderTarget(experiment, apply, params, target.text, template);
    if (text !== target.text || !target.exists) writeTarget(fs, target, text);
  });
}

/** What the target cannot take is its failure; a full disk or a broken one is ours, and tried again by recovery. */
function renderFailure(experiment: string, error: unknown): Failure {
  const code = error instanceof KlorosError ? error.code : (error as { code?: string }).code;
  const lasting = [
    'KLR_E_APPLY_FAILED',
    'KLR_E_HOME_READ_ONLY',
    'EACCES',
    'EPERM',
    'ENOENT',
    'EISDIR',
    'ELOOP',
  ];
  if (!lasting.includes(code ?? '')) throw error;
  return { state: 'failed', experiment, step: 'render', reason: (error as Error).message };
}

async function applyOne(
  ctx: Context,
  baseline: Baseline,
  name: string,
  experiment: Applied,
): Promise<Failure | null> {
  const { apply } = experiment;
  try {
    await writeFile(ctx, baseline, name, experiment);
  } catch (error) {
    return renderFailure(name, error);
  }
  const env = {
    ...ctx.env,
    KLOROS_EXPERIMENT: name,
    KLOROS_BASELINE_VERSION: String(baseline.version),
    KLOROS_APPLY_FILE: resolve(ctx.configDir, apply.file),
  };
  for (const step of ['reload', 'health'] as const) {
    const command = apply[step];
    if (command === undefined) continue;
    const result = await runCommand(command, { cwd: ctx.configDir, env, timeoutMs: apply.timeout });
    if (!result.ok) return { state: 'failed', experiment: name, step, reason: explainCommand(result) };
  }
  return null;
}

async function recordResult(tx: Database, ctx: Context, version: number, result: ApplyResult): Promise<void> {
  const now = ctx.clock.now();
  await tx.run(
    'UPDATE baselines SET apply_state = ?, applied_at = ? WHERE version = ?',
    result.state,
    result.state === 'applied' ? now : null,
    version,
  );
  await appendEvent(tx, {
    ts: now,
    kind: result.state === 'applied' ? 'baseline.applied' : 'baseline.apply-failed',
    subject: String(version),
    experiment: result.state === 'failed' ? result.experiment : null,
    data: { version, ...result },
  });
  await addCounter(tx, 'kloros_baseline_applies_total', { result: result.state });
}

/**
 * Renders the baseline into the file of each experiment that it changes, then runs its reload and its health command
 * (no shell, killed at their timeout). The same call again does the same again: recovery may repeat it. A version that
 * is no longer in force is not applied.
 * @returns the files that now hold the baseline, as the configuration names them; or the first failure
 * @throws KLR_E_DISK_FULL, or what the file system says: the apply stays owed
 */
export async function applyBaseline(ctx: Context, baseline: Baseline): Promise<ApplyResult> {
  const files: string[] = [];
  let result: ApplyResult = { state: 'applied', files };
  for (const [name, experiment] of await concerned(ctx, baseline)) {
    const failure = await applyOne(ctx, baseline, name, experiment);
    if (failure) {
      result = failure;
      break;
    }
    files.push(experiment.apply.file);
  }
  if (baseline.version > 0) await ctx.db.transaction((tx) => recordResult(tx, ctx, baseline.version, result));
  return result;
}
