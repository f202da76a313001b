import type { Params } from '../config/parameters.ts';
import type { Experiment } from '../config/schema.ts';
import type { Control } from '../control.ts';
import type { ScreeningPlan, StoredRequest, Subject, TrialRecord } from './cycle-store.ts';
import type { Measurer } from './measurer.ts';
import { describe } from './progress.ts';
import type { Metrics } from './score.ts';
import { blockOrder, type Judgement, judge } from './screening.ts';
import { heldOutSeed } from './seeds.ts';

export interface ScreenRun {
  readonly experiment: Experiment;
  readonly request: StoredRequest;
  readonly measurer: Measurer;
  readonly control: Control;
  /** phase.min_gain. */
  readonly minGain: number;
  /** Number of the first trial of the screening. */
  readonly firstNumber: number;
}

export type ScreenOutcome =
  | { readonly judgements: readonly Judgement[] }
  /** The baseline itself could not be measured again. */
  | { readonly failed: string };

/** Rounds without which no noise can be told. */
const FEWEST_ROUNDS = 2;

/**
 * Measures the baseline and each subject of the plan in blocks, one trial at a time so that none disturbs another, with
 * seeds that the search never saw and that all of a block share. A subject that fails is out. When the time budget
 * ends it, the complete rounds count. Null when there are too few of them or the run was interrupted otherwise.
 */
export async function runScreening(run: ScreenRun, plan: ScreeningPlan): Promise<ScreenOutcome | null> {
  if (plan.subjects.length === 0) return { judgements: [] };
  const domains = Object.keys(run.experiment.domains);
  const { repeats } = run.experiment.search.screen;
  const sheet = new Sheet(plan.subjects.length + 1);
  let complete = 0;
  for (; complete < repeats; complete++) {
    if (sheet.allOut()) break;
    if (!(await measureRound(run, plan, domains, complete, sheet))) break;
  }
  const { interruption } = run.measurer;
  const enough = complete >= FEWEST_ROUNDS || sheet.allOut();
  if (interruption && (interruption.state !== 'timeout' || !enough)) return null;
  return conclude(run, plan, domains, complete, sheet);
}

function conclude(
  run: ScreenRun,
  plan: ScreeningPlan,
  domains: readonly string[],
  complete: number,
  sheet: Sheet,
): ScreenOutcome {
  const baseline = sheet.rounds(0, complete);
  const thin = domains.find((d) => baseline.filter((round) => round.has(d)).length < FEWEST_ROUNDS);
  const anyIn = !sheet.allOut();
  if (anyIn && thin !== undefined)
    return { failed: `the baseline could not be measured again in ${thin}: ${sheet.failure(0)}` };
  const subjects = plan.subjects.map(({ promotions }, i) => ({
    rounds: sheet.rounds(i + 1, complete),
    failure: sheet.failure(i + 1),
    given: promotions.length > 0,
  }));
  return { judgements: judge(run.experiment, run.minGain, baseline, subjects) };
}

/** Whether the round was measured to its end. */
async function measureRound(
  run: ScreenRun,
  plan: ScreeningPlan,
  domains: readonly string[],
  round: number,
  sheet: Sheet,
): Promise<boolean> {
  const { measurer, request } = run;
  const size = plan.subjects.length + 1;
  for (const [d, domain] of domains.entries()) {
    for (const index of blockOrder(round + d, plan.subjects.length)) {
      if (sheet.isOut(index)) continue;
      const subject = plan.subjects[index - 1];
      const params = subject?.params ?? request.baseline.params;
      const number = run.firstNumber + (round * domains.length + d) * size + index;
      if (!measurer.has(number)) announce(run, number, repeatsTotal(run, domains, size), params);
      const trial = await measurer.measure({
        number,
        role: 'screen',
        subject: subjectName(subject, index),
        domain,
        params,
        seed: heldOutSeed(request.seed, 'screen', round, domain),
      });
      if (trial === null) return false;
      sheet.enter(index, round, trial);
    }
  }
  return true;
}

function repeatsTotal(run: ScreenRun, domains: readonly string[], size: number): number {
  return run.experiment.search.screen.repeats * domains.length * size;
}

function subjectName(subject: Subject | undefined, index: number): string {
  return subject === undefined ? 'baseline' : (subject.promotions[0] ?? `finalist-${index}`);
}

function announce(run: ScreenRun, number: number, total: number, params: Params): void {
  run.control.progress({
    stage: 'screen',
    done: number - run.firstNumber,
    total,
    leftMs: Math.max(0, run.measurer.leftMs()),
    message: `measuring again ${describe(params, run.request.baseline.params)}`,
  });
}

/** What was measured: a row for the baseline (0) and each subject, a column for each round, a cell for each domain. */
class Sheet {
  readonly #cells: Map<string, Metrics>[][];
  readonly #failures: (string | null)[];

  constructor(rows: number) {
    this.#cells = Array.from({ length: rows }, () => []);
    this.#failures = Array.from({ length: rows }, () => null);
  }

  enter(index: number, round: number, trial: TrialRecord): void {
    if (trial.state !== 'completed') {
      this.#failures[index] ??= `failed in ${trial.domain}: ${trial.reason}`;
      return;
    }
    const row = this.#cells[index];
    if (!row) return;
    row[round] ??= new Map();
    row[round].set(trial.domain, trial.metrics);
  }

  /** Why a trial of it failed, or null. */
  failure(index: number): string | null {
    return this.#failures[index] ?? null;
  }

  /** The baseline is measured to the end whatever happens; a subject that failed is not. */
  isOut(index: number): boolean {
    return index > 0 && this.failure(index) !== null;
  }

  allOut(): boolean {
    return this.#failures.slice(1).every((failure) => failure !== null);
  }

  rounds(index: number, complete: number): Map<string, Metrics>[] {
    return Array.from({ length: complete }, (_, round) => this.#cells[index]?.[round] ?? new Map());
  }
}
