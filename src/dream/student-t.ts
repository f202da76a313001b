/** P(T <= t) for t >= 0 and a whole number of degrees of freedom (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4). */
function cumulative(t: number, dof: number): number {
  const theta = Math.atan(t / Math.sqrt(dof));
  const cosine = Math.cos(theta);
  const odd = dof % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = dof === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= dof - 2; k += 2) {
    term *= ((k - 1) / k) * cosine * cosine;
    sum += term;
  }
  const twoSided = odd ? (2 / Math.PI) * (theta + Math.sin(theta) * sum) : Math.sin(theta) * sum;
  return (1 + twoSided) / 2;
}

/**
 * The t that a Student variable stays below with probability `p`, by bisection to 1e-9.
 * @param p 0.5 to 1, exclusive; @param dof degrees of freedom, a whole number from 1
 */
export function tQuantile(p: number, dof: number): number {
  let low = 0;
  let high = 1;
  while (cumulative(high, dof) < p) high *= 2;
  while (high - low > 1e-9 * high) {
    const middle = (low + high) / 2;
    if (cumulative(middle, dof) < p) low = middle;
    else high = middle;
  }
  return high;
}
