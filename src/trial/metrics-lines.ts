import type { TrialStep } from './types.ts';

/** Steps that are kept with a result; later ones still count for early stop. */
const KEPT_STEPS = 1000;

/** Reads what a trial reports, line by line as it comes. */
export interface MetricsLines {
  /** Takes more text; the steps that it completes. */
  add(text: string): TrialStep[];
  /** Takes the last line, when it has no newline. */
  end(): void;
  /** Every finite metric so far, last value each. */
  metrics(): Record<string, number>;
  steps(): readonly TrialStep[];
  /** Why this is no result of a trial: the first line that is not understood, or a required metric; null when it is one. */
  problem(required: readonly string[]): string | null;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

function parseLine(line: string): Record<string, unknown> | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return /\b(NaN|Infinity)\b/.test(line)
      ? 'has NaN or Infinity, which is no JSON and no measurement'
      : 'is not JSON';
  }
  return isObject(value) ? value : 'is not a JSON object';
}

const finiteOf = (values: Iterable<[string, unknown]>): Record<string, number> =>
  Object.fromEntries([...values].filter((entry): entry is [string, number] => Number.isFinite(entry[1])));

const show = (value: unknown) => String(JSON.stringify(value) ?? value).slice(0, 60);

/** Why `name` is no measurement in the final lines; null when it is one. */
function missing(
  name: string,
  final: ReadonlyMap<string, unknown>,
  latest: ReadonlyMap<string, unknown>,
): string | null {
  if (!final.has(name))
    return latest.has(name)
      ? `metric ${name} was reported with a step only; a line without a step is the result`
      : `metric ${name} is missing`;
  const value = final.get(name);
  if (Number.isFinite(value)) return null;
  return `metric ${name} is not a finite number but ${typeof value === 'number' ? value : show(value)}`;
}

/**
 * One JSON object a line, name to number. A line with a `step` is intermediate; the lines without one are the result,
 * where the last value of a metric counts. Values that are not finite numbers are left out, and are a problem when the
 * metric is required.
 */
export function metricsLines(): MetricsLines {
  const latest = new Map<string, unknown>();
  const final = new Map<string, unknown>();
  const steps: TrialStep[] = [];
  let rest = '';
  let count = 0;
  let broken: string | null = null;

  const take = (line: string): TrialStep | null => {
    count++;
    if (line.trim() === '') return null;
    const parsed = parseLine(line);
    const { step, ...values } = typeof parsed === 'string' ? {} : parsed;
    const wrong =
      typeof parsed === 'string'
        ? parsed
        : step !== undefined && !Number.isFinite(step)
          ? 'has a step that is not a number'
          : null;
    if (wrong !== null) {
      broken ??= `line ${count} of the metrics ${wrong}: ${line.trim().slice(0, 80)}`;
      return null;
    }
    for (const [name, value] of Object.entries(values)) {
      latest.set(name, value);
      if (step === undefined) final.set(name, value);
    }
    return typeof step === 'number' ? { step, metrics: finiteOf(Object.entries(values)) } : null;
  };

  const add = (text: string): TrialStep[] => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    const fresh = lines.map(take).filter((step) => step !== null);
    steps.push(...fresh.slice(0, Math.max(0, KEPT_STEPS - steps.length)));
    return fresh;
  };

  return {
    add,
    end() {
      if (rest !== '') add('\n');
    },
    metrics: () => finiteOf(latest),
    steps: () => steps,
    problem: (required) =>
      broken ??
      required.map((name) => missing(name, final, latest)).find((reason) => reason !== null) ??
      null,
  };
}
