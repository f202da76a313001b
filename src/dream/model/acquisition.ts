/** Expected improvement in logarithms, which keeps its slope where the improvement itself underflows (Ament et al., 2023). */
export interface LogImprovement {
  value: number;
  /** Derivatives by the mean and by the deviation. */
  byMean: number;
  byDeviation: number;
}

const LOG_SQRT_TAU = Math.log(Math.sqrt(2 * Math.PI));

export function logImprovement(best: number, mean: number, deviation: number, out: LogImprovement): void {
  const z = (best - mean) / deviation;
  let logH: number;
  let slope: number;
  if (z > -6) {
    const density = Math.exp(-0.5 * z * z - LOG_SQRT_TAU);
    const below = normalBelow(z);
    const h = Math.max(1e-300, density + z * below);
    logH = Math.log(h);
    slope = below / h;
  } else {
    logH = -0.5 * z * z - LOG_SQRT_TAU - 2 * Math.log(-z);
    slope = -z - 2 / z;
  }
  out.value = Math.log(deviation) + logH;
  out.byMean = -slope / deviation;
  out.byDeviation = (1 - slope * z) / deviation;
}

/** The normal distribution function (Abramowitz & Stegun, 7.1.26 refined by the complementary form of Numerical Recipes). */
function normalBelow(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.5 * x);
  const poly =
    -1.26551223 +
    t *
      (1.00002368 +
        t *
          (0.37409196 +
            t *
              (0.09678418 +
                t *
                  (-0.18628806 +
                    t *
                      (0.27886807 +
                        t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
  const tail = (t * Math.exp(-x * x + poly)) / 2;
  return z > 0 ? 1 - tail : tail;
}
