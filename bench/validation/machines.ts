/** Noise of five kinds of machine, in units of the quiet machine's standard deviation. */

/** The machine's level at its measurement number `at`, counted over everything that it measures. */
export type Noise = (at: number) => number;

/** Standard normal (Box and Muller 1958). */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Measurements in a day of the machine that knows day and night. */
const DAY = 400;
/** Quartile of the normal distribution over that of Student's with 2 degrees: equally noisy in the middle. */
const SAME_QUARTILE = 0.6745 / 0.8165;
const CARRIED = 0.6;

/** Each call makes a machine with its own state and chance. */
export const MACHINES: Readonly<Record<string, (random: () => number) => Noise>> = {
  normal: (random) => () => normal(random),
  // Student's t with 2 degrees of freedom: no variance.
  'heavy-tailed': (random) => () =>
    (SAME_QUARTILE * normal(random)) / Math.sqrt((normal(random) ** 2 + normal(random) ** 2) / 2 + 1e-12),
  // Up or down by some three standard deviations over the window.
  drifting: (random) => {
    const slope = normal(random) * 0.025;
    return (at) => normal(random) + slope * at;
  },
  autocorrelated: (random) => {
    let state = normal(random);
    return () => {
      state = CARRIED * state + Math.sqrt(1 - CARRIED ** 2) * normal(random);
      return state;
    };
  },
  diurnal: (random) => {
    const start = 2 * Math.PI * random();
    return (at) => normal(random) + 2 * Math.sin((2 * Math.PI * at) / DAY + start);
  },
};
