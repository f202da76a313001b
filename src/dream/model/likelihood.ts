/**
 * Hyperparameters by maximum a posteriori: the likelihood with mean and variance profiled out, and priors that expect
 * smoother functions in more dimensions (Hvarfner, Hellsten & Nardi, 2024), climbed by Rprop (Riedmiller, 1994; iRprop−
 * of Igel & Hüsken, 2000), which needs nothing but the signs of the slopes.
 */
import { factorise, invertFactor, solveLower, solveUpper } from './cholesky.ts';
import { type Hyperparameters, matern, maternSlope } from './gaussian-process.ts';

/** Normal priors over the logarithms. */
export interface Priors {
  /** Of the mean over the dimensions. */
  readonly length: { readonly mean: number; readonly deviation: number };
  /** Deviation of a dimension from that mean. */
  readonly spread: number;
  readonly noise: { readonly mean: number; readonly deviation: number };
}

export function priorsFor(dimensions: number, noisy: boolean): Priors {
  return {
    length: { mean: Math.SQRT2 + Math.log(dimensions) / 2, deviation: 1 },
    spread: 0.25,
    noise: noisy ? { mean: Math.log(0.001), deviation: 2 } : { mean: Math.log(1e-5), deviation: 1 },
  };
}

const BOUNDS = { length: [Math.log(0.05), Math.log(1000)], noise: [Math.log(1e-6), Math.log(20)] } as const;

/**
 * Climbs from each start by `steps` evaluations of the slope, each O(n³ + n² d), and takes the highest summit: noisy
 * data have one where all is noise and one where all is detail.
 */
export function fitHyperparameters(
  points: readonly Float64Array[],
  y: Float64Array,
  choice: Uint8Array,
  priors: Priors,
  starts: readonly Hyperparameters[],
  steps: number,
): Hyperparameters {
  const work = new Workspace(points, y, choice, priors);
  const summits = starts.map((start) => summit(work, start, steps));
  const { at } = summits.reduce((best, other) => (other.height > best.height ? other : best));
  return { lengths: at.slice(0, -1), noise: at.at(-1) ?? priors.noise.mean };
}

function summit(
  work: Workspace,
  start: Hyperparameters,
  steps: number,
): { at: Float64Array; height: number } {
  const at = Float64Array.from([...start.lengths, start.noise]);
  const n = at.length;
  const pace = new Float64Array(n).fill(0.3);
  const before = new Float64Array(n);
  const slope = new Float64Array(n);
  let best = at.slice();
  let highest = -Infinity;
  for (let step = 0; step < steps; step++) {
    const value = work.evaluate(at, slope);
    if (value > highest) {
      highest = value;
      best = at.slice();
    }
    if (value === -Infinity) break;
    climb(at, slope, before, pace);
  }
  return { at: best, height: highest };
}

function climb(at: Float64Array, slope: Float64Array, before: Float64Array, pace: Float64Array): void {
  for (let i = 0; i < at.length; i++) {
    const turn = (slope[i] as number) * (before[i] as number);
    if (turn > 0) pace[i] = Math.min(1, (pace[i] as number) * 1.4);
    if (turn < 0) {
      pace[i] = Math.max(0.01, (pace[i] as number) * 0.5);
      slope[i] = 0;
    }
    const [low, high] = i === at.length - 1 ? BOUNDS.noise : BOUNDS.length;
    const moved = (at[i] as number) + Math.sign(slope[i] as number) * (pace[i] as number);
    at[i] = Math.min(high, Math.max(low, moved));
    before[i] = slope[i] as number;
  }
}

/** One set of data, and what is computed for every set of hyperparameters. */
export class Workspace {
  readonly #n: number;
  readonly #y: Float64Array;
  readonly #priors: Priors;
  /** Squared differences of each pair, dimension by dimension. */
  readonly #squares: Float64Array[];
  readonly #kernel: Float64Array;
  readonly #slopes: Float64Array;
  readonly #inverse: Float64Array;

  constructor(points: readonly Float64Array[], y: Float64Array, choice: Uint8Array, priors: Priors) {
    this.#n = points.length;
    this.#y = y;
    this.#priors = priors;
    this.#kernel = new Float64Array(this.#n * this.#n);
    this.#slopes = new Float64Array(this.#n * this.#n);
    this.#inverse = new Float64Array(this.#n * this.#n);
    this.#squares = Array.from(choice, (isChoice, d) => pairwise(points, d, isChoice === 1));
  }

  /** The log posterior density at `at`, its slope in `slope`; −Infinity where the matrix is singular. */
  evaluate(at: Float64Array, slope: Float64Array): number {
    const n = this.#n;
    const d = at.length - 1;
    const noise = Math.exp(at[d] as number);
    this.#fill(at, noise);
    if (!factorise(this.#kernel, n, n)) return -Infinity;
    const { alpha, variance } = this.#regress();
    invertFactor(this.#kernel, n, n, this.#inverse);
    let value = (-n / 2) * Math.log(variance);
    for (let i = 0; i < n; i++) value -= Math.log(this.#kernel[i * n + i] as number);
    this.#weigh(alpha, variance);
    for (let k = 0; k < d; k++) slope[k] = this.#alongLength(k, Math.exp(-2 * (at[k] as number)));
    slope[d] = this.#alongNoise(noise);
    return value + this.#addPriors(at, slope);
  }

  #fill(at: Float64Array, noise: number): void {
    const n = this.#n;
    const sums = this.#slopes.fill(0);
    this.#squares.forEach((squares, k) => {
      const weight = Math.exp(-2 * (at[k] as number));
      for (let i = 1; i < n; i++)
        for (let p = i * n; p < i * n + i; p++)
          sums[p] = (sums[p] as number) + weight * (squares[p] as number);
    });
    for (let i = 0; i < n; i++) {
      for (let p = i * n; p < i * n + i; p++) {
        const squared = sums[p] as number;
        this.#kernel[p] = matern(squared);
        this.#slopes[p] = maternSlope(squared);
      }
      this.#kernel[i * n + i] = 1 + noise;
    }
  }

  #regress(): { alpha: Float64Array; variance: number } {
    const n = this.#n;
    const ones = new Float64Array(n).fill(1);
    solveLower(this.#kernel, n, n, ones);
    solveUpper(this.#kernel, n, n, ones);
    let weight = 0;
    let sum = 0;
    for (let i = 0; i < n; i++) {
      weight += ones[i] as number;
      sum += (ones[i] as number) * (this.#y[i] as number);
    }
    const residual = this.#y.map((value) => value - sum / weight);
    const alpha = residual.slice();
    solveLower(this.#kernel, n, n, alpha);
    solveUpper(this.#kernel, n, n, alpha);
    let fit = 0;
    for (let i = 0; i < n; i++) fit += (alpha[i] as number) * (residual[i] as number);
    return { alpha, variance: Math.max(1e-12, fit / n) };
  }

  /** Turns the inverse into (ααᵀ/variance − K⁻¹), lower triangle. */
  #weigh(alpha: Float64Array, variance: number): void {
    const n = this.#n;
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++)
        this.#inverse[i * n + j] =
          ((alpha[i] as number) * (alpha[j] as number)) / variance - (this.#inverse[i * n + j] as number);
  }

  #alongLength(k: number, weight: number): number {
    const n = this.#n;
    const squares = this.#squares[k] as Float64Array;
    let sum = 0;
    for (let i = 1; i < n; i++)
      for (let p = i * n; p < i * n + i; p++)
        sum += (this.#inverse[p] as number) * (this.#slopes[p] as number) * (squares[p] as number);
    // Each pair stands for both of its triangles, which cancels the half of the likelihood's slope.
    return sum * weight;
  }

  #alongNoise(noise: number): number {
    let trace = 0;
    for (let i = 0; i < this.#n; i++) trace += this.#inverse[i * this.#n + i] as number;
    return (noise / 2) * trace;
  }

  /** Length scales are alike unless the data say otherwise: with few trials the likelihood alone picks favourites. */
  #addPriors(at: Float64Array, slope: Float64Array): number {
    const { length, noise, spread } = this.#priors;
    const d = at.length - 1;
    let centre = 0;
    for (let k = 0; k < d; k++) centre += (at[k] as number) / d;
    const common = (centre - length.mean) / length.deviation;
    const noisy = ((at[d] as number) - noise.mean) / noise.deviation;
    let value = -(common * common + noisy * noisy) / 2;
    for (let k = 0; k < d; k++) {
      const apart = ((at[k] as number) - centre) / spread;
      value -= (apart * apart) / 2;
      slope[k] = (slope[k] as number) - apart / spread - common / length.deviation / d;
    }
    slope[d] = (slope[d] as number) - noisy / noise.deviation;
    return value;
  }
}

function pairwise(points: readonly Float64Array[], d: number, isChoice: boolean): Float64Array {
  const n = points.length;
  const squares = new Float64Array(n * n);
  points.forEach((a, i) => {
    for (let j = 0; j < i; j++) {
      const apart = (a[d] as number) - (points[j]?.[d] as number);
      squares[i * n + j] = isChoice ? Number(apart !== 0) : apart * apart;
    }
  });
  return squares;
}
