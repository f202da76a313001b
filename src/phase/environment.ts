import { resolve } from 'node:path';
import type { Experiment } from '../config/schema.ts';
import type { Context } from '../context.ts';
import { canonicalJson, sha256Hex } from '../store/json.ts';

/** What a measurement depends on beside the configuration that it measures. Each a short text. */
export type Environment = Readonly<Record<string, string>>;

const SYSTEM_FILES: Readonly<Record<string, string>> = {
  kernel: '/proc/sys/kernel/osrelease',
  governor: '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor',
  turbo: '/sys/devices/system/cpu/intel_pstate/no_turbo',
  cpus: '/sys/devices/system/cpu/online',
};
const READ_AT_MOST = 64 * 2 ** 20;

type Files = Pick<Context, 'fs' | 'configDir'>;

function readLine(ctx: Files, path: string): string {
  try {
    return String(ctx.fs.readFileSync(path, 'utf8')).trim();
  } catch {
    return '';
  }
}

function hashFile(ctx: Files, path: string): string | null {
  try {
    const stat = ctx.fs.statSync(path);
    if (!stat?.isFile()) return null;
    if (stat.size > READ_AT_MOST) return `${stat.size} bytes of ${stat.mtimeMs}`;
    return sha256Hex(ctx.fs.readFileSync(path) as Buffer);
  } catch {
    return null;
  }
}

/** The module, or every word of the command that names a file. */
function evaluatorHash(ctx: Files, experiment: Experiment): string {
  const { command, module } = experiment.evaluator;
  const words = command ?? (module === undefined ? [] : [module]);
  return sha256Hex(canonicalJson(words.map((word) => [word, hashFile(ctx, resolve(ctx.configDir, word))])));
}

/** SHA-256 of what of an experiment its measurements depend on. */
function settingsHash(experiment: Experiment): string {
  const { description: _, budget, search, apply, watch, ...measured } = experiment;
  return sha256Hex(canonicalJson(measured));
}

/** The fingerprint of the machine, the runtime and the evaluators. Where the system does not say, the text is empty. */
export function fingerprint(
  ctx: Files & Pick<Context, 'config'>,
  experiments: readonly string[],
): Environment {
  const cpu = /^model name\s*:\s*(.+)$/m.exec(readLine(ctx, '/proc/cpuinfo'))?.[1] ?? '';
  const memory = /^MemTotal:\s*(.+)$/m.exec(readLine(ctx, '/proc/meminfo'))?.[1] ?? '';
  const system = Object.entries(SYSTEM_FILES).map(([name, path]) => [name, readLine(ctx, path)]);
  const own = experiments.flatMap((name) => {
    const experiment = ctx.config.experiments[name];
    if (!experiment) return [[`experiment ${name}`, 'gone']];
    return [
      [`experiment ${name}`, settingsHash(experiment)],
      [`evaluator ${name}`, evaluatorHash(ctx, experiment)],
    ];
  });
  return Object.fromEntries([...system, ['cpu', cpu], ['memory', memory], ['node', process.version], ...own]);
}

/** What differs, in words, or null. */
export function environmentChange(before: Environment, now: Environment): string | null {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const changed = names.filter((name) => before[name] !== now[name]);
  return changed.length === 0 ? null : `the environment changed: ${changed.join(', ')}`;
}
