import type { Archive, Evaluation } from '../archive.ts';
import { drawWeights, losses } from '../losses.ts';
import type { Prng } from '../prng.ts';
import type { Space } from '../space.ts';
import { GaussianProcess, type Hyperparameters } from './gaussian-process.ts';
import { fitHyperparameters, type Priors, priorsFor } from './likelihood.ts';
import { warped } from './warp.ts';

/** More rows than this cost more than they tell: the rest is left out. */
const MOST_ROWS = 200;
/** With more rows one summit of the likelihood stands out, and a second climb is wasted. */
const MOST_STARTED_TWICE = 80;
/** The model has room for this many points under way. */
const ROOM = 80;
/** Results after which the hyperparameters are fitted again: a share of those before, within limits. */
const REFIT = { share: 0.2, least: 2, most: 40 } as const;

export interface Model {
  readonly process: GaussianProcess;
  readonly rows: readonly Evaluation[];
  /** One a row, smaller is better. */
  readonly losses: Float64Array;
  /** The same, warped. */
  readonly targets: Float64Array;
  readonly lengths: Float64Array;
}

/** Keeps a Gaussian process up with an archive: refits seldom, appends what is new. */
export class Surrogate {
  readonly #choice: Uint8Array;
  readonly #priors: Priors;
  readonly #start: Hyperparameters;
  #hyperparameters: Hyperparameters;
  #rows: Evaluation[] = [];
  #process: GaussianProcess | null = null;
  #refitAt = 0;
  /** Ids that are in the model or were left out of it. */
  #seen = new Set<number>();

  constructor(space: Space, noise: boolean) {
    const n = space.dimensions.length;
    this.#choice = Uint8Array.from(space.dimensions, (d) => (d.kind === 'choice' ? 1 : 0));
    this.#priors = priorsFor(n, noise);
    this.#start = {
      lengths: new Float64Array(n).fill(Math.log(0.5) + Math.log(n) / 2),
      noise: noise ? Math.log(0.1) : this.#priors.noise.mean,
    };
    this.#hyperparameters = this.#start;
  }

  /** The model of everything told; several objectives are weighed anew for each call. */
  model(archive: Archive, random: Prng): Model {
    const known = archive.evaluations.length;
    const weights = drawWeights(archive.objectives, random);
    if (this.#process === null || known >= this.#refitAt) {
      this.#rows = chosen(archive, weights);
      this.#refit(weights, this.#process === null ? 30 : 8);
      this.#seen = new Set(archive.evaluations.map((e) => e.id));
      this.#refitAt = known + Math.min(REFIT.most, Math.max(REFIT.least, Math.round(REFIT.share * known)));
    } else this.#extend(archive);
    const raw = losses(this.#rows, weights);
    const targets = warped(raw);
    const process = this.#process as GaussianProcess;
    process.retarget(targets);
    return { process, rows: this.#rows, losses: raw, targets, lengths: this.#hyperparameters.lengths };
  }

  #refit(weights: readonly number[], steps: number): void {
    const points = this.#rows.map((row) => row.point.unit);
    const targets = warped(losses(this.#rows, weights));
    this.#hyperparameters = fitHyperparameters(
      points,
      targets,
      this.#choice,
      this.#priors,
      points.length > MOST_STARTED_TWICE ? [this.#hyperparameters] : [this.#hyperparameters, this.#start],
      steps,
    );
    this.#build(targets);
  }

  #build(targets: Float64Array): void {
    this.#process = new GaussianProcess(
      this.#rows.map((row) => row.point.unit),
      targets,
      this.#choice,
      this.#hyperparameters,
      ROOM + REFIT.most,
    );
  }

  /** New results at the end are appended; one that came late, with a lower id, makes a new model in the order of ids. */
  #extend(archive: Archive): void {
    const fresh = archive.evaluations.slice(-2 * ROOM).filter((e) => !this.#seen.has(e.id));
    if (fresh.length === 0) return;
    for (const e of fresh) this.#seen.add(e.id);
    const last = this.#rows.at(-1)?.id ?? 0;
    this.#rows = [...this.#rows, ...fresh].sort((a, b) => a.id - b.id);
    const inOrder = fresh.every((e) => e.id > last);
    if (inOrder && fresh.every((e) => this.#process?.append(e.point.unit))) return;
    this.#build(new Float64Array(this.#rows.length));
  }
}

function chosen(archive: Archive, weights: readonly number[]): Evaluation[] {
  const { evaluations } = archive;
  if (evaluations.length <= MOST_ROWS) return [...evaluations];
  const loss = losses(evaluations, weights);
  const order = Array.from(loss.keys()).sort((a, b) => (loss[a] ?? 0) - (loss[b] ?? 0));
  const kept = new Set(order.slice(0, (MOST_ROWS * 3) / 4));
  for (let i = evaluations.length - 1; kept.size < MOST_ROWS; i--) kept.add(i);
  return evaluations.filter((_, i) => kept.has(i));
}
