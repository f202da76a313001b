/**
 * Functional ANOVA of a tree (Hutter, Hoos & Leyton-Brown, 2014), every parameter uniform over its range. Everything
 * follows from the pairs of leaves: the variance of the prediction with all but a set of parameters averaged out is the
 * sum over pairs of v·w·P·Q·∏ q, v and w being the values about the mean, P and Q the sizes of the boxes, and q, for
 * each parameter of the set, the size of the common side over the product of both sides.
 */
import { covers, type Leaf, type Side } from './forest.ts';

export interface Variances {
  readonly whole: number;
  /** By each parameter alone. */
  readonly main: Float64Array;
  /** By each parameter alone and in every interaction (Sobol's total effect). */
  readonly total: Float64Array;
}

function sizeOf({ low, high, levels }: Side): number {
  if (levels === null) return high - low;
  let count = 0;
  for (const covered of levels) count += covered;
  return count / levels.length;
}

function common(a: Side, b: Side): number {
  if (a.levels === null || b.levels === null)
    return Math.max(0, Math.min(a.high, b.high) - Math.max(a.low, b.low));
  let count = 0;
  for (let k = 0; k < a.levels.length; k++) count += (a.levels[k] as number) * (b.levels[k] as number);
  return count / a.levels.length;
}

/** A tree ready to be decomposed. */
export class Decomposition {
  /** The mean over the cube. */
  readonly mean: number;
  readonly #leaves: readonly Leaf[];
  readonly #dimensions: number;
  /** Of each leaf along each dimension. */
  readonly #sizes: readonly Float64Array[];
  /** Value about the mean, times the size of the box. */
  readonly #masses: Float64Array;

  constructor(leaves: readonly Leaf[]) {
    this.#leaves = leaves;
    this.#dimensions = leaves[0]?.sides.length ?? 0;
    this.#sizes = leaves.map(({ sides }) => Float64Array.from(sides, sizeOf));
    const volumes = this.#sizes.map((sizes) => sizes.reduce((product, size) => product * size, 1));
    this.mean = leaves.reduce((sum, leaf, i) => sum + leaf.value * (volumes[i] ?? 0), 0);
    this.#masses = Float64Array.from(leaves, (leaf, i) => (leaf.value - this.mean) * (volumes[i] ?? 0));
  }

  variances(): Variances {
    const main = new Float64Array(this.#dimensions);
    const others = new Float64Array(this.#dimensions);
    const q = new Float64Array(this.#dimensions);
    let whole = 0;
    for (let l = 0; l < this.#leaves.length; l++)
      for (let m = 0; m <= l; m++) {
        const weight = (l === m ? 1 : 2) * (this.#masses[l] as number) * (this.#masses[m] as number);
        let product = 1;
        let apart = 0;
        for (let d = 0; d < q.length; d++) {
          const ratio = this.#ratio(l, m, d);
          q[d] = ratio;
          main[d] = (main[d] as number) + weight * ratio;
          if (ratio === 0) apart++;
          else product *= ratio;
        }
        if (apart === 0) whole += weight * product;
        if (apart > 1) continue;
        for (let d = 0; d < q.length; d++)
          if (apart === 0 || q[d] === 0) others[d] = (others[d] as number) + (weight * product) / (q[d] || 1);
      }
    return { whole, main, total: others.map((explained) => whole - explained) };
  }

  #ratio(l: number, m: number, d: number): number {
    const both = common(this.#leaves[l]?.sides[d] as Side, this.#leaves[m]?.sides[d] as Side);
    return both / ((this.#sizes[l]?.[d] as number) * (this.#sizes[m]?.[d] as number));
  }

  /** The variance of two parameters together, each one's own included. */
  together(i: number, j: number): number {
    let sum = 0;
    for (let l = 0; l < this.#leaves.length; l++)
      for (let m = 0; m <= l; m++) {
        const weight = (l === m ? 1 : 2) * (this.#masses[l] as number) * (this.#masses[m] as number);
        sum += weight * this.#ratio(l, m, i) * this.#ratio(l, m, j);
      }
    return sum;
  }

  /** The mean prediction with one parameter at a coordinate and all others averaged out. */
  marginal(d: number, u: number): number {
    let sum = this.mean;
    this.#leaves.forEach(({ sides }, l) => {
      if (covers(sides[d] as Side, u)) sum += (this.#masses[l] as number) / (this.#sizes[l]?.[d] as number);
    });
    return sum;
  }
}
