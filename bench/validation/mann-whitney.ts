import { normalSurvival } from '../../src/statistics/normal.ts';

/**
 * One-sided p of the test that `values` lie above `base` (Mann and Whitney 1947), by the normal approximation with
 * correction for ties and continuity: what Kayenta's judge takes, at a sample size that is fixed in advance.
 */
export function mannWhitney(base: readonly number[], values: readonly number[]): number {
  const all = [...base.map((x) => ({ x, own: false })), ...values.map((x) => ({ x, own: true }))];
  all.sort((a, b) => a.x - b.x);
  const [n, m] = [base.length, values.length];
  let ranks = 0;
  let ties = 0;
  for (let from = 0; from < all.length; ) {
    let to = from;
    while (to < all.length && all[to]?.x === all[from]?.x) to++;
    const own = all.slice(from, to).filter((entry) => entry.own).length;
    ranks += (own * (from + 1 + to)) / 2;
    ties += (to - from) ** 3 - (to - from);
    from = to;
  }
  const u = ranks - (m * (m + 1)) / 2;
  const total = n + m;
  const variance = ((n * m) / 12) * (total + 1 - ties / (total * (total - 1)));
  return variance === 0 ? 1 : normalSurvival((u - (n * m) / 2 - 0.5) / Math.sqrt(variance));
}
