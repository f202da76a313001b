/**
 * P(T > t) for a whole number of degrees of freedom (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4).
 * @param dof from 1
 */
export function tSurvival(t: number, dof: number): number {
  if (t === Number.POSITIVE_INFINITY) return 0;
  if (t === Number.NEGATIVE_INFINITY) return 1;
  const theta = Math.atan(Math.abs(t) / Math.sqrt(dof));
  const cosine = Math.cos(theta);
  const odd = dof % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = dof === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= dof - 2; k += 2) {
    term *= ((k - 1) / k) * cosine * cosine;
    sum += term;
  }
  const inside = odd ? (2 / Math.PI) * (theta + Math.sin(theta) * sum) : Math.sin(theta) * sum;
  const tail = Math.max(0, (1 - inside) / 2);
  return t >= 0 ? tail : 1 - tail;
}

/** The t that a Student variable exceeds with probability `p`, by bisection. @param p above 0, at most 0.5 */
export function tExceeded(p: number, dof: number): number {
  let low = 0;
  let high = 1;
  while (tSurvival(high, dof) > p && high < 1e12) high *= 2;
  while (high - low > 1e-9 * high) {
    const middle = (low + high) / 2;
    if (tSurvival(middle, dof) > p) low = middle;
    else high = middle;
  }
  return high;
}
