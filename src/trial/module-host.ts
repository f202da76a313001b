/**
 * A program of its own: runs an evaluator module as a trial. `node module-host.ts <module>`, with the environment of
 * trialEnvironment. It imports nothing of KLoROS but types: it starts with every trial.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Params } from '../config/parameters.ts';
import type { Evaluate, EvaluationContext } from './types.ts';

/** Between two looks at whether KLoROS is still there, ms. */
const PARENT_MS = 1000;

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: this program is started by KLoROS`);
  return value;
}

/** One line of the metrics. JSON knows no NaN: it is told as a word, so that its reader can name it. */
function report(values: Readonly<Record<string, unknown>>): void {
  const line = JSON.stringify(values, (_key, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
  appendFileSync(variable('KLOROS_METRICS'), `${line}\n`);
}

function createContext(signal: AbortSignal): EvaluationContext {
  return {
    seed: Number(variable('KLOROS_SEED')),
    domain: variable('KLOROS_DOMAIN'),
    domainArgs: JSON.parse(variable('KLOROS_DOMAIN_ARGS')) as Record<string, unknown>,
    scratch: variable('KLOROS_SCRATCH'),
    report: (step, metrics) => report({ ...metrics, step }),
    signal,
  };
}

async function importEvaluate(path: string): Promise<Evaluate> {
  const module = (await import(pathToFileURL(path).href)) as { evaluate?: unknown };
  if (typeof module.evaluate !== 'function')
    throw new TypeError(`${path} exports no function named evaluate`);
  return module.evaluate as Evaluate;
}

/** Nothing of a trial outlives KLoROS: when it is killed, its child is handed to another parent. */
function endWithParent(): void {
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.exit(1), PARENT_MS).unref();
}

async function main(path: string): Promise<void> {
  endWithParent();
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  const evaluate = await importEvaluate(path);
  const params = JSON.parse(readFileSync(variable('KLOROS_PARAMS'), 'utf8')) as Params;
  const result: unknown = await evaluate(params, createContext(stop.signal));
  if (result === null || typeof result !== 'object')
    throw new TypeError(`evaluate gave ${String(result)}, not an object of metrics`);
  report({ ...result });
}

main(process.argv[2] ?? '').then(
  // A timer or a socket that the evaluator left open must not keep the trial from its end.
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`, () =>
      process.exit(1),
    );
  },
);
