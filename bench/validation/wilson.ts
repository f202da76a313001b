/** 95 % limits of a share of `count` in `total` (Wilson 1927). */
export function wilson(count: number, total: number): { readonly low: number; readonly high: number } {
  const z = 1.959964;
  const share = count / total;
  const centre = share + (z * z) / (2 * total);
  const reach = z * Math.sqrt((share * (1 - share) + (z * z) / (4 * total)) / total);
  const scale = 1 + (z * z) / total;
  return { low: Math.max(0, (centre - reach) / scale), high: Math.min(1, (centre + reach) / scale) };
}
