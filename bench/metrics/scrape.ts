/**
 * What Prometheus asks for each few seconds: a scrape of a home where nothing happened yet, against one with a million
 * events in its ledger, promotions and trials, in turn in the same run.
 */
import { join } from 'node:path';
import { closeContext, openContext } from '../../src/index.ts';
import { parseListen } from '../../src/server/listen-address.ts';
import { startMetricsServer } from '../../src/server/metrics-server.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { growLedger, quietHome } from '../support/homes.ts';
import { median } from '../support/processes.ts';

const RUNS = Number(process.env.BENCH_RUNS ?? 201);
const EVENTS = Number(process.env.BENCH_EVENTS ?? 1_000_000);
const PROMOTIONS = 100_000;
const TRIALS = 200_000;
const MOST_MS = 50;
const MOST_TIMES = 1.5;

/** What years leave in the tables that a scrape looks at: answered promotions, trials, some that wait. */
async function fillTables(home: string): Promise<void> {
  const db = await openSqlite(join(home, 'kloros.db'));
  await db.transaction(async (tx) => {
    for (let n = 0; n < PROMOTIONS; n++)
      await tx.run(
        `INSERT INTO promotions (id, file, sha256, schema, source, experiment, state, changes, document, detail,
         received_at, updated_at) VALUES (?, ?, '', 'v2', 'dream', 'demo', ?, '{}', '{}', '{}', ?, ?)`,
        `p${n}`,
        `p${n}.json`,
        n % 1000 === 0 ? 'screened' : 'rejected',
        n,
        n,
      );
    for (let n = 0; n < TRIALS; n++)
      await tx.run(
        `INSERT INTO trials (owner, number, experiment, role, subject, domain, params, seed, state, metrics, detail,
         started_at, duration_ms) VALUES (?, ?, 'demo', 'search', '0', 'only', '{}', 1, 'completed', '{}', '{}', ?, 1)`,
        `c${n % 200}`,
        n,
        n,
      );
  });
  await db.close();
}

async function serve(home: string) {
  const ctx = await openContext({ home, env: {}, readOnly: true });
  const server = await startMetricsServer(ctx, parseListen('127.0.0.1:0'));
  return {
    async scrape(): Promise<number> {
      const began = performance.now();
      const answer = await fetch(`${server.url}/metrics`);
      const text = await answer.text();
      if (!text.includes('kloros_metrics_errors 0')) throw new Error('a scrape that is not whole');
      return performance.now() - began;
    },
    async stop(): Promise<void> {
      await server.close();
      await closeContext(ctx);
    },
  };
}

const empty = await quietHome();
const long = await quietHome();
try {
  await growLedger(long.home, EVENTS);
  await fillTables(long.home);
  const servers = [await serve(empty.home), await serve(long.home)] as const;
  const times: [number[], number[]] = [[], []];
  for (let n = -5; n < RUNS; n++)
    for (const [i, server] of servers.entries()) {
      const ms = await server.scrape();
      if (n >= 0) times[i as 0 | 1].push(ms);
    }
  for (const server of servers) await server.stop();
  const [short, grown] = times.map(median) as [number, number];
  const slowest = Math.max(...times[1]);
  console.log(`medians of ${RUNS} scrapes each, in turn`);
  console.log(`     empty home          ${short.toFixed(2).padStart(7)} ms`);
  console.log(
    `     ${EVENTS} events     ${grown.toFixed(2).padStart(7)} ms  (slowest ${slowest.toFixed(1)} ms)`,
  );
  const met = grown < MOST_MS && grown / short < MOST_TIMES;
  console.log(
    `${met ? 'ok  ' : 'MISS'} below ${MOST_MS} ms, and ${(grown / short).toFixed(2)} times the empty home (at most ${MOST_TIMES})`,
  );
  process.exitCode = met ? 0 : 1;
} finally {
  for (const home of [empty, long]) home.remove();
}
