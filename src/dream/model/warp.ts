/**
 * Values of any scale and skew made fit for a Gaussian process: standardised robustly, then transformed towards
 * normality (Yeo & Johnson, 2000, its parameter by maximum likelihood on a grid, as HEBO does: Cowen-Rivers et al.,
 * 2022). Monotonic: the order of the values is kept.
 */
export function warped(values: Float64Array): Float64Array {
  const standard = standardised(clipped(values));
  let best = standard;
  let highest = -Infinity;
  for (let lambda = 1; lambda >= LOWEST; lambda -= 0.25) {
    const candidate = standard.map((y) => yeoJohnson(y, lambda));
    const likelihood = logLikelihood(standard, candidate, lambda);
    if (likelihood > highest) {
      highest = likelihood;
      best = candidate;
    }
  }
  return standardised(best);
}

const LOWEST = -1;
/** Bad values further from the median than this many spreads of the good half carry no more information. */
const FAR = 1000;

/** Very bad values cut off, so that one absurd measurement does not flatten all others. */
function clipped(values: Float64Array): Float64Array {
  const sorted = values.toSorted();
  const median = sorted[sorted.length >> 1] ?? 0;
  const spread = median - (sorted[0] ?? 0) || 1;
  const highest = Math.min(Number.MAX_VALUE, median + FAR * spread);
  return values.map((value) => Math.min(value, highest));
}

function standardised(values: Float64Array): Float64Array {
  const n = values.length || 1;
  const scale = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0) || 1;
  const scaled = values.map((v) => v / scale);
  const mean = scaled.reduce((sum, v) => sum + v, 0) / n;
  const deviation = Math.sqrt(scaled.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n);
  return scaled.map((v) => (deviation > 1e-14 ? (v - mean) / deviation : 0));
}

function yeoJohnson(y: number, lambda: number): number {
  if (y >= 0) return lambda === 0 ? Math.log1p(y) : ((y + 1) ** lambda - 1) / lambda;
  const mirrored = 2 - lambda;
  return mirrored === 0 ? -Math.log1p(-y) : -((1 - y) ** mirrored - 1) / mirrored;
}

function logLikelihood(raw: Float64Array, transformed: Float64Array, lambda: number): number {
  const n = raw.length;
  const mean = transformed.reduce((sum, v) => sum + v, 0) / n;
  const variance = transformed.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n;
  const jacobian = raw.reduce((sum, y) => sum + Math.sign(y) * Math.log1p(Math.abs(y)), 0);
  return (-n / 2) * Math.log(Math.max(1e-300, variance)) + (lambda - 1) * jacobian;
}
