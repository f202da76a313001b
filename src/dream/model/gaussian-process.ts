/**
 * A Gaussian process over the unit cube with a Matérn-5/2 kernel and a length scale per dimension (Rasmussen &
 * Williams, 2006). Numbers differ by their distance, choices by 0 or 1: a product of both kernels for mixed spaces.
 */
import { factorise, factoriseRow, solveLower, solveUpper } from './cholesky.ts';

/** Everything in logarithms. */
export interface Hyperparameters {
  /** Of each dimension, in widths of the unit cube. */
  readonly lengths: Float64Array;
  /** Noise variance as a share of the signal variance. */
  readonly noise: number;
}

export interface Prediction {
  mean: number;
  /** Of the function itself, without the noise. */
  deviation: number;
}

const SQRT5 = Math.sqrt(5);

/** The Matérn-5/2 correlation at a squared scaled distance. */
export function matern(squared: number): number {
  const r = SQRT5 * Math.sqrt(squared);
  return (1 + r + (5 / 3) * squared) * Math.exp(-r);
}

/** Minus twice the derivative of `matern` by the squared distance. */
export function maternSlope(squared: number): number {
  const r = SQRT5 * Math.sqrt(squared);
  return (5 / 3) * (1 + r) * Math.exp(-r);
}

export class GaussianProcess {
  readonly dimensions: number;
  readonly #choice: Uint8Array;
  /** 1 / length² of each dimension. */
  readonly #weights: Float64Array;
  readonly #noise: number;
  readonly #stride: number;
  readonly #points: Float64Array;
  readonly #factor: Float64Array;
  readonly #y: Float64Array;
  readonly #alpha: Float64Array;
  readonly #k: Float64Array;
  readonly #slopes: Float64Array;
  #size = 0;
  #mean = 0;
  #variance = 1;

  /**
   * @param choice 1 for each dimension whose values have no order
   * @param room how many points may be appended later
   */
  constructor(
    points: readonly Float64Array[],
    y: ArrayLike<number>,
    choice: Uint8Array,
    hyperparameters: Hyperparameters,
    room: number,
  ) {
    this.dimensions = choice.length;
    this.#choice = choice;
    this.#weights = hyperparameters.lengths.map((length) => Math.exp(-2 * length));
    this.#stride = points.length + room;
    this.#points = new Float64Array(this.#stride * this.dimensions);
    this.#factor = new Float64Array(this.#stride * this.#stride);
    this.#y = new Float64Array(this.#stride);
    this.#alpha = new Float64Array(this.#stride);
    this.#k = new Float64Array(this.#stride);
    this.#slopes = new Float64Array(this.#stride);
    points.forEach((point, i) => {
      this.#points.set(point, i * this.dimensions);
      this.#y[i] = y[i] ?? 0;
    });
    this.#size = points.length;
    this.#noise = this.#factorised(Math.exp(hyperparameters.noise));
    this.#regress();
  }

  get size(): number {
    return this.#size;
  }

  /** The noise that makes the matrix positive definite: the one asked for, or more where points nearly coincide. */
  #factorised(wanted: number): number {
    for (let noise = Math.max(wanted, 1e-8); ; noise *= 10) {
      for (let i = 0; i < this.#size; i++) this.#fillRow(i, noise);
      if (factorise(this.#factor, this.#size, this.#stride)) return noise;
    }
  }

  #fillRow(i: number, noise: number): void {
    const row = i * this.#stride;
    const at = i * this.dimensions;
    for (let j = 0; j < i; j++)
      this.#factor[row + j] = matern(this.#squared(this.#points, at, j * this.dimensions));
    this.#factor[row + i] = 1 + noise;
  }

  #squared(x: Float64Array, at: number, other: number): number {
    let sum = 0;
    for (let d = 0; d < this.dimensions; d++) {
      const apart = (x[at + d] as number) - (this.#points[other + d] as number);
      if (this.#choice[d] === 0) sum += (this.#weights[d] as number) * apart * apart;
      else if (apart !== 0) sum += this.#weights[d] as number;
    }
    return sum;
  }

  /** Mean and variance by generalised least squares, and the weights of the points. */
  #regress(): void {
    const n = this.#size;
    const ones = new Float64Array(n).fill(1);
    this.#solve(ones);
    let weight = 0;
    let sum = 0;
    for (let i = 0; i < n; i++) {
      weight += ones[i] as number;
      sum += (ones[i] as number) * (this.#y[i] as number);
    }
    this.#mean = sum / weight;
    for (let i = 0; i < n; i++) this.#alpha[i] = (this.#y[i] as number) - this.#mean;
    this.#solve(this.#alpha);
    let fit = 0;
    for (let i = 0; i < n; i++) fit += (this.#alpha[i] as number) * ((this.#y[i] as number) - this.#mean);
    this.#variance = Math.max(1e-12, fit / n);
  }

  #solve(b: Float64Array): void {
    solveLower(this.#factor, this.#size, this.#stride, b);
    solveUpper(this.#factor, this.#size, this.#stride, b);
  }

  /**
   * Appends a point in O(n²) under the same hyperparameters, with what the model believes of it as its value, so that
   * only the deviation changes. False when there is no room for it.
   */
  append(point: Float64Array): boolean {
    if (this.#size === this.#stride) return false;
    const i = this.#size;
    this.#y[i] = this.meanAt(point);
    this.#alpha[i] = 0;
    this.#points.set(point, i * this.dimensions);
    this.#fillRow(i, this.#noise);
    if (!factoriseRow(this.#factor, i, this.#stride)) return false;
    this.#size++;
    return true;
  }

  /** Forgets the points after the first `size`. */
  truncate(size: number): void {
    this.#size = size;
  }

  /** Gives every point a new value, in O(n²). */
  retarget(y: ArrayLike<number>): void {
    for (let i = 0; i < this.#size; i++) this.#y[i] = y[i] ?? 0;
    this.#regress();
  }

  /** The mean alone, in O(n d). */
  meanAt(x: Float64Array): number {
    let sum = 0;
    for (let i = 0; i < this.#size; i++)
      sum += (this.#alpha[i] as number) * matern(this.#squared(x, 0, i * this.dimensions));
    return this.#mean + sum;
  }

  predict(x: Float64Array, out: Prediction): void {
    const n = this.#size;
    const k = this.#k;
    let mean = 0;
    for (let i = 0; i < n; i++) {
      const ki = matern(this.#squared(x, 0, i * this.dimensions));
      k[i] = ki;
      mean += (this.#alpha[i] as number) * ki;
    }
    solveLower(this.#factor, n, this.#stride, k);
    let explained = 0;
    for (let i = 0; i < n; i++) explained += (k[i] as number) ** 2;
    out.mean = this.#mean + mean;
    out.deviation = Math.sqrt(this.#variance * Math.max(1e-12, 1 - explained));
  }

  /** `predict`, and the derivatives of mean and deviation along each number dimension (0 for choices). */
  predictWithSlope(x: Float64Array, out: Prediction, dMean: Float64Array, dDeviation: Float64Array): void {
    this.predict(x, out);
    const n = this.#size;
    // predict left L⁻¹k in #k; this makes it K⁻¹k.
    solveUpper(this.#factor, n, this.#stride, this.#k);
    for (let i = 0; i < n; i++) this.#slopes[i] = maternSlope(this.#squared(x, 0, i * this.dimensions));
    for (let d = 0; d < this.dimensions; d++) {
      dMean[d] = 0;
      dDeviation[d] = 0;
      if (this.#choice[d] === 1) continue;
      let mean = 0;
      let explained = 0;
      for (let i = 0; i < n; i++) {
        const apart = (x[d] as number) - (this.#points[i * this.dimensions + d] as number);
        const slope = (this.#slopes[i] as number) * apart;
        mean += (this.#alpha[i] as number) * slope;
        explained += (this.#k[i] as number) * slope;
      }
      const weight = this.#weights[d] as number;
      dMean[d] = -weight * mean;
      dDeviation[d] = (this.#variance * weight * explained) / out.deviation;
    }
  }
}
