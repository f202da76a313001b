/**
 * What runs a thousand times a day: a tick with nothing to do, as a whole process, against `node -e 0` in the same run.
 * The bounds are those of the design; a miss is printed as such and ends with exit code 1.
 */
import { join } from 'node:path';
import { fill, growLedger, quietHome } from './support/homes.ts';
import { type Command, inTurn, type Run } from './support/processes.ts';

const RUNS = Number(process.env.BENCH_RUNS ?? 21);
const MANY = Number(process.env.BENCH_MANY ?? 100_000);
const EVENTS = Number(process.env.BENCH_EVENTS ?? 1_000_000);
/** The first system's idle tick took this long, measured again on such a machine, ms. */
const FIRST_SYSTEM_MS = 110;

const main = join(import.meta.dirname, '..', 'bin', 'kloros.mjs');
const kloros = (name: string, home: string, ...args: string[]): Command => ({
  name,
  args: [main, '--home', home, ...args],
});

let misses = 0;
function bound(what: string, value: number, most: number, unit = 'times'): void {
  const met = value <= most;
  if (!met) misses += 1;
  console.log(`${met ? 'ok  ' : 'MISS'} ${what}: ${value.toFixed(2)} ${unit} (at most ${most})`);
}

function show(runs: ReadonlyMap<string, Run>): void {
  for (const [name, r] of runs)
    console.log(
      `     ${name.padEnd(28)} ${r.wallMs.toFixed(1).padStart(7)} ms wall  ${r.cpuMs.toFixed(1).padStart(7)} ms CPU  ${r.peakMiB.toFixed(1).padStart(6)} MiB`,
    );
}

const of = (runs: ReadonlyMap<string, Run>, name: string): Run => {
  const run = runs.get(name);
  if (!run) throw new Error(`${name} was not measured`);
  return run;
};

console.log(`medians of ${RUNS} whole processes each, in turn`);
const empty = await quietHome();
const some = await quietHome();
const many = await quietHome();
const long = await quietHome();
try {
  const bare = { name: 'node -e 0', args: ['-e', '0'] };
  const tick = kloros('tick', empty.home, 'tick');
  const first = inTurn([bare, tick], RUNS);
  show(first);
  bound('tick, wall, of node -e 0', of(first, 'tick').wallMs / of(first, 'node -e 0').wallMs, 3);
  bound('tick, memory, of node -e 0', of(first, 'tick').peakMiB / of(first, 'node -e 0').peakMiB, 1.7);
  bound('tick, wall, of the first system’s', of(first, 'tick').wallMs / FIRST_SYSTEM_MS, 0.6);

  await fill(some.home, 10_000, 5000);
  await fill(many.home, MANY, 5000);
  const filled = inTurn(
    [
      tick,
      kloros('tick, 10,000 promotions', some.home, 'tick'),
      kloros(`tick, ${MANY} promotions`, many.home, 'tick'),
    ],
    RUNS,
  );
  show(filled);
  const base = of(filled, 'tick').wallMs;
  bound(
    '10,000 promotions, 5,000 intents, of an empty home',
    of(filled, 'tick, 10,000 promotions').wallMs / base,
    2,
  );
  bound(`${MANY} promotions, of an empty home`, of(filled, `tick, ${MANY} promotions`).wallMs / base, 5);

  await growLedger(long.home, EVENTS);
  const grown = inTurn(
    [
      tick,
      kloros('tick, long ledger', long.home, 'tick'),
      kloros('status', empty.home, 'status'),
      kloros('status, long ledger', long.home, 'status'),
    ],
    RUNS,
  );
  show(grown);
  bound(
    `tick, ${EVENTS} events, of an empty ledger`,
    of(grown, 'tick, long ledger').wallMs / of(grown, 'tick').wallMs,
    1.2,
  );
  bound(
    `status, ${EVENTS} events`,
    of(grown, 'status, long ledger').wallMs / of(grown, 'status').wallMs,
    1.2,
  );
} finally {
  for (const home of [empty, some, many, long]) home.remove();
}
console.log(misses === 0 ? 'all bounds met' : `${misses} bounds missed`);
process.exitCode = misses === 0 ? 0 : 1;
