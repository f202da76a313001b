/** The strategy parameters of CMA-ES and their update (Hansen's tutorial, 2016), sampling by the Cholesky factor. */
import { factorise, solveLower } from './cholesky.ts';

/** Mean, step size, covariance and evolution paths. */
export class Strategy {
  readonly lambda: number;
  readonly mean: Float64Array;
  sigma: number;
  /** Lower-triangular factor of the covariance. */
  factor: Float64Array;
  readonly #n: number;
  readonly #covariance: Float64Array;
  readonly #stepPath: Float64Array;
  readonly #rankPath: Float64Array;
  readonly #weights: Float64Array;
  readonly #mass: number;
  #age = 0;

  constructor(mean: Float64Array, sigma: number, lambda: number | null, covariance: Float64Array) {
    const n = mean.length;
    this.#n = n;
    this.mean = mean.slice();
    this.sigma = sigma;
    this.lambda = lambda ?? 4 + Math.floor(3 * Math.log(n));
    const mu = this.lambda >> 1;
    const raw = Float64Array.from(
      { length: mu },
      (_, i) => Math.log((this.lambda + 1) / 2) - Math.log(i + 1),
    );
    const total = raw.reduce((sum, w) => sum + w, 0);
    this.#weights = raw.map((w) => w / total);
    this.#mass = 1 / this.#weights.reduce((sum, w) => sum + w * w, 0);
    this.#covariance = covariance;
    this.factor = covariance.slice();
    if (!factorise(this.factor, n, n)) this.factor = identity(n);
    this.#stepPath = new Float64Array(n);
    this.#rankPath = new Float64Array(n);
  }

  /** One generation, best first. */
  update(steps: readonly Float64Array[]): void {
    const n = this.#n;
    const mass = this.#mass;
    const y = new Float64Array(n);
    this.#weights.forEach((w, k) => {
      for (let i = 0; i < n; i++) y[i] = (y[i] as number) + w * (steps[k]?.[i] ?? 0);
    });
    for (let i = 0; i < n; i++) this.mean[i] = (this.mean[i] as number) + this.sigma * (y[i] as number);
    const cs = (mass + 2) / (n + mass + 5);
    const damping = 1 + 2 * Math.max(0, Math.sqrt((mass - 1) / (n + 1)) - 1) + cs;
    const z = this.#whitened(y);
    let length = 0;
    for (let i = 0; i < n; i++) {
      const path =
        (1 - cs) * (this.#stepPath[i] as number) + Math.sqrt(cs * (2 - cs) * mass) * (z[i] as number);
      this.#stepPath[i] = path;
      length += path * path;
    }
    this.#age++;
    const expected = Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));
    const relative = Math.sqrt(length) / Math.sqrt(1 - (1 - cs) ** (2 * this.#age)) / expected;
    this.#adapt(y, steps, relative < 1.4 + 2 / (n + 1));
    this.sigma = Math.min(
      1,
      this.sigma * Math.exp(Math.min(1, (cs / damping) * (Math.sqrt(length) / expected - 1))),
    );
  }

  #adapt(y: Float64Array, steps: readonly Float64Array[], moving: boolean): void {
    const n = this.#n;
    const mass = this.#mass;
    const cc = (4 + mass / n) / (n + 4 + (2 * mass) / n);
    const c1 = 2 / ((n + 1.3) ** 2 + mass);
    const cmu = Math.min(1 - c1, (2 * (mass - 2 + 1 / mass)) / ((n + 2) ** 2 + mass));
    for (let i = 0; i < n; i++)
      this.#rankPath[i] =
        (1 - cc) * (this.#rankPath[i] as number) +
        (moving ? Math.sqrt(cc * (2 - cc) * mass) * (y[i] as number) : 0);
    const kept = 1 - c1 - cmu + (moving ? 0 : c1 * cc * (2 - cc));
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++) {
        let rank = 0;
        this.#weights.forEach((w, k) => {
          rank += w * (steps[k]?.[i] ?? 0) * (steps[k]?.[j] ?? 0);
        });
        const path = (this.#rankPath[i] as number) * (this.#rankPath[j] as number);
        this.#covariance[i * n + j] = kept * (this.#covariance[i * n + j] as number) + c1 * path + cmu * rank;
      }
    const factor = this.#covariance.slice();
    if (factorise(factor, n, n)) this.factor = factor;
  }

  /** Solves factor z = y: the step as it was drawn. */
  #whitened(y: Float64Array): Float64Array {
    const z = y.slice();
    solveLower(this.factor, this.#n, this.#n, z);
    return z;
  }
}

export function identity(n: number): Float64Array {
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) matrix[i * n + i] = 1;
  return matrix;
}
