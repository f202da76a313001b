import type { Params } from '../../src/config/parameters.ts';
import type { Parameter } from '../../src/config/schema.ts';
import { Prng } from '../../src/dream/prng.ts';

/** One instance of a problem to minimise. */
export interface Problem {
  readonly name: string;
  readonly parameters: Readonly<Record<string, Parameter>>;
  /** The value without noise. */
  value(params: Params): number;
  readonly best: number;
  /** Standard deviation of the noise beside a value; 0: none. */
  noise(value: number): number;
}

/** A problem whose instances (place of the optimum, rotation, roles of the choices) follow from a seed. */
export interface ProblemFamily {
  readonly name: string;
  instance(seed: number): Problem;
}

type Objective = (z: readonly number[]) => number;

const square = (x: number) => x * x;
const sum = (terms: readonly number[]) => terms.reduce((total, term) => total + term, 0);

/** Definitions after the noiseless BBOB suite (Hansen et al., 2009), each with its optimum 0 at z = 0. */
const OBJECTIVES: Readonly<Record<string, Objective>> = {
  sphere: (z) => sum(z.map(square)),
  ellipsoid: (z) => sum(z.map((x, i) => 10 ** ((6 * i) / (z.length - 1)) * x * x)),
  discus: (z) => 1e6 * square(z[0] ?? 0) + sum(z.slice(1).map(square)),
  ridge: (z) => square(z[0] ?? 0) + 100 * Math.sqrt(sum(z.slice(1).map(square))),
  powers: (z) => Math.sqrt(sum(z.map((x, i) => Math.abs(x) ** (2 + (4 * i) / (z.length - 1))))),
  rosenbrock: (z) => {
    const y = z.map((x) => x * Math.max(1, Math.sqrt(z.length) / 8) + 1);
    return sum(y.slice(1).map((next, i) => 100 * square(square(y[i] ?? 0) - next) + square((y[i] ?? 0) - 1)));
  },
  rastrigin: (z) => 10 * (z.length - sum(z.map((x) => Math.cos(2 * Math.PI * x)))) + sum(z.map(square)),
  griewank: (z) =>
    1 + sum(z.map(square)) / 4 - z.reduce((p, x, i) => p * Math.cos((5 * x) / Math.sqrt(i + 1)), 1),
  ackley: (z) =>
    20 +
    Math.E -
    20 * Math.exp(-0.2 * Math.sqrt(sum(z.map(square)) / z.length)) -
    Math.exp(sum(z.map((x) => Math.cos(2 * Math.PI * x))) / z.length),
};

/** An orthogonal matrix by Gram and Schmidt. */
function rotation(n: number, random: Prng): number[][] {
  const rows: number[][] = [];
  while (rows.length < n) {
    let row = Array.from({ length: n }, () => random.normal());
    for (const other of rows) {
      const dot = sum(row.map((x, i) => x * (other[i] ?? 0)));
      row = row.map((x, i) => x - dot * (other[i] ?? 0));
    }
    const length = Math.sqrt(sum(row.map(square)));
    if (length > 1e-6) rows.push(row.map((x) => x / length));
  }
  return rows;
}

const real = (low: number, high: number, log = false): Parameter => ({
  type: 'float',
  low,
  high,
  log,
  default: log ? Math.sqrt(low * high) : (low + high) / 2,
  autonomy: 'auto',
  risky: false,
});
const whole = (low: number, high: number, log = false): Parameter => ({
  ...(real(low, high, log) as Extract<Parameter, { type: 'float' }>),
  type: 'int',
  default: low,
});
const choice = (...choices: string[]): Parameter => ({
  type: 'categorical',
  choices,
  default: choices[0] ?? '',
  autonomy: 'auto',
  risky: false,
});
const flag = (): Parameter => ({ type: 'boolean', default: false, autonomy: 'auto', risky: false });

/** A rotated, shifted function in [-5, 5]^n with noise as a share of the value above `-level`. */
export function rotated(name: string, n: number, noise = 0, level = 0): ProblemFamily {
  const objective = OBJECTIVES[name] as Objective;
  const label = `${name}-${n}${noise > 0 ? `-noise${noise * 100}` : ''}${level > 0 ? `+${level}` : ''}`;
  return {
    name: label,
    instance: (seed) => {
      const random = new Prng(seed, 0xb0b);
      const shift = Array.from({ length: n }, () => 8 * random.next() - 4);
      const matrix = rotation(n, random);
      return {
        name: label,
        parameters: Object.fromEntries(shift.map((_, i) => [`x${i}`, real(-5, 5)])),
        value: (params) => {
          const x = shift.map((s, i) => Number(params[`x${i}`]) - s);
          return objective(matrix.map((row) => sum(row.map((r, i) => r * (x[i] ?? 0)))));
        },
        best: 0,
        noise: (value) => noise * Math.abs(value + level),
      };
    },
  };
}

/** Ten numbers of which a seed's choice of three matter, and these with a bend. */
export function sparse(noise = 0): ProblemFamily {
  const name = `sparse-10${noise > 0 ? `-noise${noise * 100}` : ''}`;
  return {
    name,
    instance: (seed) => {
      const random = new Prng(seed, 0x5fa);
      const target = Array.from({ length: 3 }, () => random.next());
      const chosen = Array.from({ length: 10 }, (_, i) => i)
        .sort(() => random.next() - 0.5)
        .slice(0, 3);
      return {
        name,
        parameters: Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`x${i}`, real(0, 1)])),
        value: (params) => {
          const [a = 0, b = 0, c = 0] = chosen.map((k, i) => Number(params[`x${k}`]) - (target[i] ?? 0));
          return 0.01 + a * a + 4 * square(b - a * a) + Math.abs(c);
        },
        best: 0.01,
        noise: (value) => noise * Math.abs(value),
      };
    },
  };
}

const LETTERS = ['a', 'b', 'c', 'd', 'e'];

/** 3 floats (one logarithmic), 2 integers, 2 choices of 3 and 5, one flag; choices interact with the numbers. */
export function mixed(noise = 0): ProblemFamily {
  const name = `mixed-8${noise > 0 ? `-noise${noise * 100}` : ''}`;
  return {
    name,
    instance: (seed) => {
      const random = new Prng(seed, 0x817);
      const target = Array.from({ length: 5 }, () => random.next());
      const costA = [0, 0.4, 1].sort(() => random.next() - 0.5);
      const costB = [0, 0.2, 0.5, 0.8, 1.2].sort(() => random.next() - 0.5);
      const shifts = Array.from({ length: 15 }, () => 0.5 * (random.next() - 0.5));
      const wantFlag = random.next() < 0.5;
      return {
        name,
        parameters: {
          f: real(0, 1),
          g: real(-10, 10),
          rate: real(1e-5, 1, true),
          n: whole(1, 20),
          size: whole(1, 4096, true),
          a: choice(...LETTERS.slice(0, 3)),
          b: choice(...LETTERS),
          flag: flag(),
        },
        value: (p) => {
          const a = LETTERS.indexOf(String(p.a));
          const b = LETTERS.indexOf(String(p.b));
          const u = [
            Number(p.f),
            (Number(p.g) + 10) / 20,
            Math.log(Number(p.rate) / 1e-5) / Math.log(1e5),
            (Number(p.n) - 1) / 19,
            Math.log(Number(p.size)) / Math.log(4096),
          ];
          const shift = (i: number) =>
            costA[a] === 0 && costB[b] === 0 ? 0 : (shifts[(a * 5 + b + i) % 15] ?? 0);
          const z = u.map((x, i) => x - (target[i] ?? 0) - shift(i));
          const numbers = sum(z.map((x, i) => (1 + i) * x * x)) + 2 * square((z[0] ?? 0) + (z[1] ?? 0));
          return (
            0.05 +
            numbers +
            (costA[a] ?? 0) +
            (costB[b] ?? 0) +
            (p.flag === wantFlag ? 0 : 0.3 + (z[2] ?? 0) ** 2)
          );
        },
        best: 0.05,
        noise: (value) => noise * Math.abs(value),
      };
    },
  };
}

/** A choice of three methods, each with two parameters of its own, beside two common ones. */
export function conditional(): ProblemFamily {
  return {
    name: 'conditional-9',
    instance: (seed) => {
      const random = new Prng(seed, 0xc0d);
      const order = [0, 1, 2].sort(() => random.next() - 0.5);
      const target = Array.from({ length: 8 }, () => 0.15 + 0.7 * random.next());
      const own = (method: string, parameter: Parameter): Parameter => ({
        ...parameter,
        when: { method: [method] },
      });
      return {
        name: 'conditional-9',
        parameters: {
          method: choice('a', 'b', 'c'),
          common: real(0, 1),
          threads: whole(1, 64, true),
          ...Object.fromEntries(
            ['a', 'b', 'c'].flatMap((m) => [
              [`${m}1`, own(m, real(0, 1))],
              [`${m}2`, own(m, real(1e-3, 1, true))],
            ]),
          ),
        },
        value: (p) => {
          const m = LETTERS.indexOf(String(p.method));
          const letter = LETTERS[m] ?? 'a';
          const common = 2 * square(Number(p.common) - (target[6] ?? 0));
          const threads = square(Math.log(Number(p.threads)) / Math.log(64) - (target[7] ?? 0));
          const first = square(Number(p[`${letter}1`]) - (target[2 * m] ?? 0));
          const second = square(1 + Math.log10(Number(p[`${letter}2`])) / 3 - (target[2 * m + 1] ?? 0));
          return 0.3 * (order[m] ?? 0) + common + threads + (2 + (order[m] ?? 0)) * first + 3 * second;
        },
        // The best integer is not at the target exactly; the rest of this offset is below what any search reaches.
        best: Math.min(
          ...Array.from({ length: 64 }, (_, t) => square(Math.log(t + 1) / Math.log(64) - (target[7] ?? 0))),
        ),
        noise: () => 0,
      };
    },
  };
}

/** Eight choices of four: a sum of pairwise costs, without any number. */
export function categorical(): ProblemFamily {
  return {
    name: 'categorical-8',
    instance: (seed) => {
      const random = new Prng(seed, 0xca7);
      const single = Array.from({ length: 8 }, () => Array.from({ length: 4 }, () => random.next()));
      const target = Array.from({ length: 8 }, () => random.int(4));
      const pair = Array.from({ length: 7 * 16 }, () => 0.5 * random.next());
      return {
        name: 'categorical-8',
        parameters: Object.fromEntries(single.map((_, i) => [`c${i}`, choice('a', 'b', 'c', 'd')])),
        value: (p) => {
          const at = single.map((_, i) => LETTERS.indexOf(String(p[`c${i}`])));
          const singles = sum(at.map((k, i) => (k === target[i] ? 0 : 0.2 + (single[i]?.[k] ?? 0))));
          const pairs = sum(
            at.slice(1).map((k, i) => {
              const both = at[i] === target[i] && k === target[i + 1];
              return both ? 0 : (pair[16 * i + 4 * (at[i] ?? 0) + k] ?? 0);
            }),
          );
          return singles + pairs;
        },
        best: 0,
        noise: () => 0,
      };
    },
  };
}

/** The quick set: a few of each kind that the engine has to win. */
export const QUICK: readonly ProblemFamily[] = [
  rotated('sphere', 10),
  rotated('ellipsoid', 5),
  rotated('rosenbrock', 5),
  rotated('rastrigin', 5),
  rotated('ridge', 10),
  rotated('powers', 10),
  rotated('griewank', 5),
  rotated('ackley', 10),
  rotated('rosenbrock', 20),
  rotated('ellipsoid', 20),
  rotated('sphere', 5, 0.2),
  rotated('rosenbrock', 10, 0.2),
  rotated('sphere', 5, 0.2, 50),
  rotated('ackley', 5, 0.1, 10),
  sparse(),
  sparse(0.2),
  mixed(),
  mixed(0.2),
  conditional(),
  categorical(),
];
