import type { Point } from './space.ts';

/** What is known of one evaluated point. */
export interface Evaluation {
  /** The suggestion's; negative for evaluations from before this search. */
  readonly id: number;
  readonly point: Point;
  /** Smaller is better, whatever the objective's direction; null when the trial failed. */
  readonly values: readonly number[] | null;
  /** 0 when the constraint metrics were kept, else by how much they were not. */
  readonly violation: number;
}

/** One configuration with all its evaluations. */
export interface Configuration {
  readonly point: Point;
  readonly evaluations: readonly Evaluation[];
  /** Means over the evaluations that did not fail; null when at least half of them failed. */
  readonly mean: readonly number[] | null;
  readonly violation: number;
}

/**
 * What a search has asked and been told. Everything is in the order of the suggestions, whatever the order of the
 * tells, so that what samplers compute from it does not depend on which trial finished first.
 */
export class Archive {
  readonly objectives: number;
  readonly #evaluations: Evaluation[] = [];
  readonly #pending = new Map<number, Point>();
  readonly #byKey = new Map<string, Configuration>();

  #configurations: Configuration[] | null = null;

  constructor(objectives: number) {
    this.objectives = objectives;
  }

  get evaluations(): readonly Evaluation[] {
    return this.#evaluations;
  }

  /** Points under way, in the order of their suggestions. */
  get pending(): readonly Point[] {
    return [...this.#pending].sort(([a], [b]) => a - b).map(([, point]) => point);
  }

  /** In the order of their first suggestion. */
  get configurations(): readonly Configuration[] {
    this.#configurations ??= [...this.#byKey.values()].sort((a, b) => firstId(a) - firstId(b));
    return this.#configurations;
  }

  suggested(id: number, point: Point): void {
    this.#pending.set(id, point);
  }

  /** The point that was suggested under an id and has no result yet. */
  pendingPoint(id: number): Point | undefined {
    return this.#pending.get(id);
  }

  add(evaluation: Evaluation): void {
    this.#pending.delete(evaluation.id);
    this.#configurations = null;
    insertById(this.#evaluations, evaluation);
    const { key } = evaluation.point;
    const evaluations = [...(this.#byKey.get(key)?.evaluations ?? [])];
    insertById(evaluations, evaluation);
    this.#byKey.set(key, summarise(evaluation.point, evaluations));
  }

  configuration(key: string): Configuration | undefined {
    return this.#byKey.get(key);
  }

  /** How often a configuration was evaluated or is under way. */
  count(key: string): number {
    let count = this.#byKey.get(key)?.evaluations.length ?? 0;
    for (const point of this.#pending.values()) if (point.key === key) count++;
    return count;
  }
}

function insertById(list: Evaluation[], evaluation: Evaluation): void {
  let at = list.length;
  while (at > 0 && (list[at - 1]?.id ?? 0) > evaluation.id) at--;
  list.splice(at, 0, evaluation);
}

function firstId(configuration: Configuration): number {
  return configuration.evaluations[0]?.id ?? 0;
}

function summarise(point: Point, evaluations: readonly Evaluation[]): Configuration {
  const measured = evaluations.flatMap(({ values }) => (values === null ? [] : [values]));
  const violation = Math.max(...evaluations.map((e) => e.violation));
  if (2 * measured.length <= evaluations.length) return { point, evaluations, mean: null, violation };
  const sums = (measured[0] ?? []).map((_, k) => measured.reduce((sum, values) => sum + (values[k] ?? 0), 0));
  return { point, evaluations, mean: sums.map((sum) => sum / measured.length), violation };
}
