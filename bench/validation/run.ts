/**
 * What PHASE promises, measured: how often nothing is taken for a gain, how often a gain is seen, and with how much of
 * the window, beside a fixed-sample Mann-Whitney test at the same alpha on the same data. Prints a table and writes
 * bench/results/validation-<date>.json.
 *
 * npm run bench:validation -- [--seed N] [--null LOOPS] [--power LOOPS]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Prng } from '../../src/dream/prng.ts';
import { ALPHA, loop, type Outcome, PLAN, type Setting } from './loop.ts';
import { MACHINES } from './machines.ts';
import { wilson } from './wilson.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '20261126' },
    null: { type: 'string', default: '20000' },
    power: { type: 'string', default: '500' },
  },
});
const [seed, nullLoops, powerLoops] = [values.seed, values.null, values.power].map(Number) as [
  number,
  number,
  number,
];
const KINDS = Object.keys(MACHINES);
const EFFECTS = [0.01, 0.02, 0.05, 0.1];
const NOISES = [0.01, 0.03];
/** Every tenth loop without a gain has as many candidates as an epoch takes by default, the others one. */
const FAMILY = { every: 10, candidates: 4 };

const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;

/** Loops of one kind of machine; each machine and each plan has its own draw. */
function* loops(
  kind: string,
  count: number,
  random: Prng,
  setting: (i: number) => Setting,
): Iterable<Outcome> {
  const machine = MACHINES[kind];
  if (!machine) throw new Error(`no machine is ${kind}`);
  const next = () => random.next();
  for (let i = 0; i < count; i++)
    yield loop(setting(i), machine(next), machine(next), Math.floor(next() * 2 ** 32));
}

function falsePromotions(kind: string, random: Prng) {
  const count = Math.round(nullLoops / KINDS.length);
  const setting = (i: number): Setting => ({
    candidates: i % FAMILY.every === 0 ? FAMILY.candidates : 1,
    effect: 0,
    noise: 0.02,
  });
  const outcomes = [...loops(kind, count, random, setting)];
  const promoted = outcomes.filter(({ accepted }) => accepted > 0).length;
  const row = { kind, loops: count, promoted, rate: promoted / count, ...wilson(promoted, count) };
  console.log(
    `${kind.padEnd(15)} ${String(promoted).padStart(5)} of ${count}: ${percent(row.rate, 2)} (${percent(row.low, 2)} to ${percent(row.high, 2)})`,
  );
  return row;
}

function power(kind: string, noise: number, effect: number, random: Prng) {
  const outcomes = [...loops(kind, powerLoops, random, () => ({ candidates: 1, effect, noise }))];
  const count = (is: (o: Outcome) => boolean) => outcomes.filter(is).length;
  const [ours, fixed, planned] = [
    count((o) => o.accepted > 0),
    count((o) => o.fixed.window),
    count((o) => o.fixed.planned),
  ];
  // Both tests saw the same data: the error of the difference is that of the loops in which they differ.
  const won = count((o) => o.accepted > 0 && !o.fixed.window);
  const lost = count((o) => o.accepted === 0 && o.fixed.window);
  const difference = (won - lost) / powerLoops;
  const error = Math.sqrt(Math.max(0, (won + lost) / powerLoops - difference ** 2) / powerLoops);
  const share = outcomes.map((o) => o.share).sort((a, b) => a - b)[Math.floor(powerLoops / 2)] ?? 1;
  const row = {
    kind,
    noise,
    effect,
    loops: powerLoops,
    power: ours / powerLoops,
    ...wilson(ours, powerLoops),
    mannWhitney: fixed / powerLoops,
    mannWhitneyPlanned: planned / powerLoops,
    difference,
    error,
    medianShare: share,
    asPowerful: difference + 1.96 * error >= 0,
    sparing: share <= 0.6,
  };
  console.log(
    `${kind.padEnd(15)} ${percent(noise, 0).padStart(5)} ${percent(effect, 0).padStart(5)}  ${percent(row.power).padStart(7)} (${percent(row.low)} to ${percent(row.high)})  ${percent(row.mannWhitney).padStart(7)} ${percent(row.mannWhitneyPlanned).padStart(7)}  ${percent(difference).padStart(7)} ± ${percent(1.96 * error)}  ${percent(share, 0).padStart(5)}  ${row.asPowerful ? 'as powerful' : 'WEAKER'}, ${row.sparing ? 'sparing' : 'MORE THAN 60 %'}`,
  );
  return row;
}

const started = Date.now();
console.log(`seed ${seed}, alpha ${ALPHA}, plan ${JSON.stringify(PLAN)}`);
console.log(
  `\nFalse promotions, baseline against itself (${FAMILY.candidates} candidates in every tenth loop)`,
);
const random = new Prng(seed);
const nulls = KINDS.map((kind) => falsePromotions(kind, random));
const all = nulls.reduce((sum, { promoted }) => sum + promoted, 0);
const total = nulls.reduce((sum, row) => sum + row.loops, 0);
const overall = { loops: total, promoted: all, rate: all / total, ...wilson(all, total) };
console.log(
  `${'all'.padEnd(15)} ${String(all).padStart(5)} of ${total}: ${percent(overall.rate, 2)} (${percent(overall.low, 2)} to ${percent(overall.high, 2)})`,
);
console.log(
  '\nPower: noise of a measurement, true effect, PHASE (95 %), Mann-Whitney on the whole window and on half of it,\ndifference to the whole window, median share of the window used',
);
const powers = NOISES.flatMap((noise) =>
  EFFECTS.flatMap((effect) => KINDS.map((kind) => power(kind, noise, effect, random))),
);

const date = new Date(started).toISOString().slice(0, 10);
const folder = join(import.meta.dirname, '..', 'results');
mkdirSync(folder, { recursive: true });
const file = join(folder, `validation-${date}.json`);
const command = `npm run bench:validation -- --seed ${seed} --null ${nullLoops} --power ${powerLoops}`;
const result = {
  date,
  command,
  node: process.version,
  seed,
  alpha: ALPHA,
  plan: PLAN,
  seconds: Math.round((Date.now() - started) / 1000),
  falsePromotions: { overall, byNoise: nulls },
  power: powers,
};
writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
console.log(`\n${file}, after ${result.seconds} s`);
