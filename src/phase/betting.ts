/** Effects, in typical differences, that the bets are placed on, with equal stakes (Robbins 1970: mixtures). */
const BETS = [0.25, 0.5, 1, 2, 4];
const BISECTIONS = 30;

/** The middle of what has been seen, kept sorted. */
function insertSorted(sorted: number[], value: number): number {
  let at = sorted.length;
  while (at > 0 && (sorted[at - 1] ?? 0) > value) at--;
  sorted.splice(at, 0, value);
  return sorted[Math.floor(sorted.length / 2)] ?? value;
}

/**
 * Evidence that the differences lie above `bound`, as the capital of a bettor who starts with 1 and never wins on
 * average while they are symmetric about it: at each difference he stakes a share on its sign, which may depend on its
 * size and on all that came before. Whatever he has when he stops is at least c with probability at most 1/c, so looking
 * after each pair is safe (Ville 1939; Ramdas, Ruf, Larsson and Koolen 2020, 5.3: symmetric distributions). Under
 * randomised order two equal configurations are symmetric by design, however heavy their tails or strong their drift.
 */
export function betting(differences: readonly number[], bound: number): number {
  const capital = BETS.map(() => 1);
  const sizes: number[] = [];
  for (const difference of differences) {
    const d = difference - bound;
    const typical = insertSorted(sizes, Math.abs(d));
    if (typical === 0) continue;
    for (let i = 0; i < BETS.length; i++)
      capital[i] = (capital[i] ?? 1) * (1 + Math.tanh(((BETS[i] ?? 0) * d) / typical));
  }
  return capital.reduce((sum, c) => sum + c, 0) / BETS.length;
}

/**
 * The largest bound below the mean at which the bettor has `wanted`, by bisection, where it is above `known`.
 * @param known a bound that is refuted already
 */
export function bettingLimit(differences: readonly number[], wanted: number, known: number): number {
  // He has less the higher the bound: not enough there is not enough anywhere above.
  if (Number.isFinite(known) && betting(differences, known) < wanted) return known;
  let low = Math.min(...differences);
  // Below every difference all bets are won; when even that is not enough there is no limit.
  const spread = Math.max(...differences) - low;
  const beyond = low - Math.max(spread, 1e-12);
  if (betting(differences, beyond) < wanted) return Number.NEGATIVE_INFINITY;
  let high = differences.reduce((sum, d) => sum + d, 0) / differences.length;
  low = beyond;
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2;
    if (betting(differences, middle) >= wanted) low = middle;
    else high = middle;
  }
  return low;
}
