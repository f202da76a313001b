import { normalSurvival } from '../statistics/normal.ts';

/** Paired differences carry no verdict with fewer than this: five equal values of a coarse metric can be chance. */
export const MIN_PAIRS = 5;

/** When the differences are looked at. */
export interface Look {
  /** The share of the error that a test at this look may have, taken alone: 0 to 1. */
  readonly weight: number;
  /** The same for what only has to be no worse; default: `weight`. */
  readonly guard?: number;
  /** Blocks in a slice and domain, of which each second one mirrors the one before; default: none does. */
  readonly replicas?: number;
}

/**
 * How early the error is spent (Hwang, Shih and DeCani 1990): 1 is close to Pocock's equal looks, -4 to those of O'Brien
 * and Fleming, which keep nearly all of it for the end. A gain is looked for late, where the error buys the most power;
 * a guardrail earlier, so that it does not hold up a gain that shows at once.
 */
const GAMMA = { gain: -3, guard: 0.25 } as const;
/** Half the points that the density of the test statistic is kept at between two looks. */
const GRID = 80;

/** Looks after this many slices: those that are planned, and as many again for who is still open. */
export function mostLooks(planned: number): number {
  return 2 * planned;
}

/** The share of the error that is spent when this share of all pairs is measured. */
function spent(gamma: number, information: number): number {
  return Math.expm1(-gamma * information) / Math.expm1(-gamma);
}

/** Sub-density of the sum of independent increments among those that crossed no boundary yet. */
interface Density {
  readonly information: number;
  readonly points: readonly number[];
  /** Mass at each point. */
  readonly masses: readonly number[];
}

/** Mass that lies above `bound` after an increment of this variance. */
function above({ points, masses }: Density, bound: number, deviation: number): number {
  return points.reduce((sum, x, i) => sum + (masses[i] ?? 0) * normalSurvival((bound - x) / deviation), 0);
}

/** The density after the increment, cut off at `bound`, by Simpson's rule (Armitage, McPherson and Rowe 1969). */
function step(before: Density, information: number, bound: number): Density {
  const deviation = Math.sqrt(information - before.information);
  const low = -8 * Math.sqrt(information);
  const width = (bound - low) / (2 * GRID);
  const points = Array.from({ length: 2 * GRID + 1 }, (_, i) => low + i * width);
  const masses = points.map((y, i) => {
    const simpson = (i === 0 || i === 2 * GRID ? 1 : i % 2 === 1 ? 4 : 2) * (width / 3);
    const density = before.points.reduce((sum, x, j) => {
      const z = (y - x) / deviation;
      return Math.abs(z) > 8 ? sum : sum + (before.masses[j] ?? 0) * Math.exp((-z * z) / 2);
    }, 0);
    return (simpson * density) / (deviation * Math.sqrt(2 * Math.PI));
  });
  return { information, points, masses };
}

/** The bound above which exactly `error` of the mass lies after the increment, by bisection. */
function boundFor(before: Density, information: number, error: number): number {
  const deviation = Math.sqrt(information - before.information);
  let [low, high] = [-Math.sqrt(information), 10 * Math.sqrt(information)];
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (above(before, middle, deviation) > error) low = middle;
    else high = middle;
  }
  return high;
}

const known = new Map<string, readonly number[]>();

/** For each look the level of a test taken alone, so that all together err as often as has been spent by then. */
function weights(gamma: number, planned: number, replicas: number, level: number): readonly number[] {
  const key = `${gamma}/${planned}/${replicas}/${level}`;
  const cached = known.get(key);
  if (cached) return cached;
  const all = mostLooks(planned);
  const shares: number[] = [];
  let density: Density = { information: 0, points: [0], masses: [1] };
  let before = 0;
  for (let count = 1; count <= all; count++) {
    // A look that has too few pairs for a verdict spends nothing.
    if (count * replicas < MIN_PAIRS && count < all) {
      shares.push(0);
      continue;
    }
    const information = count / all;
    const bound = boundFor(density, information, level * (spent(gamma, information) - before));
    shares.push(normalSurvival(bound / Math.sqrt(information)) / level);
    density = step(density, information, bound);
    before = spent(gamma, information);
  }
  known.set(key, shares);
  return shares;
}

/**
 * The look after slice `index` (from 0). All looks together spend the error along a function of the pairs measured so far
 * (Lan and DeMets 1983). Each sees again what the one before saw, so that their shares sum to more than 1: the
 * boundaries are those of a Brownian motion that is looked at in these places.
 * @param level the smallest error that is asked for: at larger ones the shares would be larger
 */
export function lookAt(index: number, planned: number, replicas: number, level: number): Required<Look> {
  return {
    weight: weights(GAMMA.gain, planned, replicas, level)[index] ?? 0,
    replicas,
    guard: weights(GAMMA.guard, planned, replicas, level)[index] ?? 0,
  };
}
