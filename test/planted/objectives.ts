import type { Params } from '../../src/config/parameters.ts';

/** What one trial is made of. */
export interface Draw {
  readonly x: number;
  readonly y: number;
  readonly domain: string;
  /** Uniform in [0, 1). */
  readonly uniform: () => number;
  /** Measurements of this configuration before, and of all of them. */
  readonly before: number;
  readonly total: number;
  /** The trial looks at the target in production, not in the laboratory. */
  readonly production: boolean;
}

/** An objective on which something bad looks good. Metrics before the machine's noise; null: the trial fails. */
export interface Planted {
  readonly name: string;
  readonly measure: (draw: Draw) => Record<string, number> | null;
  /** Whether a configuration must not stay in force: as it truly is, whatever was measured. */
  readonly bad: (params: Params) => boolean;
  /** Only production shows it: it may come into force, and is taken back within two looks. */
  readonly production?: boolean;
}

/** The baseline's configuration; everything else is further away. */
export const HOME = { x: 0.5, y: 0.5 };
/** The margin that the guardrail has. */
export const MARGIN = 0.1;

const xOf = (params: Params) => Number(params.x);
const away = (params: Params) => params.x !== HOME.x || params.y !== HOME.y;
const isHome = ({ x, y }: Pick<Draw, 'x' | 'y'>) => x === HOME.x && y === HOME.y;
const metrics = (throughput: number, p99 = 10) => ({ throughput, p99 });

/** Everything but the baseline is worse by so much. */
const regressors = [0.01, 0.02, 0.05, 0.1, 0.3].map(
  (loss): Planted => ({
    name: `a regressor of ${loss * 100} %`,
    measure: (d) => metrics(isHome(d) ? 100 : 100 * (1 - loss)),
    bad: away,
  }),
);

const CHEAT = 0.55;
/** Throughput for latency, beyond the guardrail's margin, in one domain or in both. */
const cheaters = [0.15, 0.2, 0.3, 0.5, 1].map(
  (harm, i): Planted => ({
    name: `a guardrail cheater of ${harm * 100} %${i % 2 === 0 ? '' : ' in one domain'}`,
    measure: ({ x, domain }) => {
      const cheats = x > CHEAT;
      const harmed = cheats && (i % 2 === 0 || domain === 'write');
      return metrics(100 * (1 + (cheats ? 0.6 : 0) * x), 10 * (harmed ? 1 + harm : 1));
    },
    bad: (params) => xOf(params) > CHEAT,
  }),
);

const OPTIMUM = { at: 0.8, radius: 0.15 };
const inside = (x: number) => Math.abs(x - OPTIMUM.at) < OPTIMUM.radius;
const hill = (x: number) => 100 * (1 + 0.5 * Math.exp(-(((x - OPTIMUM.at) / 0.2) ** 2)));
/** The best of it cannot be measured, always or now and then. */
const unmeasurable: Planted[] = (
  [
    ['NaN', () => metrics(Number.NaN)],
    ['Infinity', () => metrics(Number.POSITIVE_INFINITY)],
    ['no metric', () => ({ p99: 10 })],
    ['a failed trial', () => null],
    ['a trial that fails one time in three', (d: Draw) => (d.uniform() < 1 / 3 ? null : metrics(hill(d.x)))],
  ] as const
).map(([what, at]) => ({
  name: `${what} at the optimum`,
  measure: (d) => (inside(d.x) ? at(d) : metrics(hill(d.x))),
  bad: (params) => inside(xOf(params)),
}));

/** Better and better towards the bound, and next to it a fall: in one domain, or of the guardrail. */
const cliffs = [0.9, 0.93, 0.95, 0.97, 0.99].map(
  (edge, i): Planted => ({
    name: `a cliff at ${edge} ${i % 2 === 0 ? 'in one domain' : 'of the guardrail'}`,
    measure: ({ x, domain }) => {
      const over = x > edge;
      const rise = 100 * (1 + 0.6 * (x - HOME.x));
      if (i % 2 === 1) return metrics(rise, over ? 30 : 10);
      return metrics(over && domain === 'write' ? 0.5 * rise : rise);
    },
    bad: (params) => xOf(params) > edge,
  }),
);

const WORSE = 0.97;
/** Truly a little worse than the baseline, and measured by luck as much better. */
const lucky: Planted[] = (
  [
    ['its first two measurements', (d: Draw) => (d.before < 2 ? 1.5 : 1)],
    ['one measurement in ten', (d: Draw) => (d.uniform() < 0.1 ? 1.6 : 1)],
    ['one measurement in a hundred, by ten times', (d: Draw) => (d.uniform() < 0.01 ? 10 : 1)],
    ['two levels', (d: Draw) => (d.uniform() < 0.5 ? 1.1 : 0.9)],
    ['a machine that gets faster', (d: Draw) => 1 + 0.002 * d.total],
  ] as const
).map(([what, luck]) => ({
  name: `an outlier, lucky by ${what}`,
  // The machine's own luck falls on the baseline as well; that of a configuration on the others.
  measure: (d) => metrics(100 * (isHome(d) ? (what.startsWith('its') ? 1 : luck(d)) : WORSE * luck(d))),
  bad: away,
}));

/** A gain in the laboratory that is a loss in production: nothing but the watch can know. */
const production = [0.15, 0.2, 0.3, 0.5, 0.9].map(
  (loss): Planted => ({
    name: `${loss * 100} % worse in production alone`,
    measure: (d) => metrics(isHome(d) ? 100 : d.production ? 100 * (1 - loss) : 130),
    bad: away,
    production: true,
  }),
);

export const PLANTED: readonly Planted[] = [
  ...regressors,
  ...cheaters,
  ...unmeasurable,
  ...cliffs,
  ...lucky,
  ...production,
];
