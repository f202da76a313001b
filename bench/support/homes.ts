import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeContext, initHome, openContext, runTick, writeMode } from '../../src/index.ts';
import { appendEvent } from '../../src/store/ledger.ts';
import { openSqlite } from '../../src/store/sqlite.ts';

const CONFIG = `version: 1
experiments:
  demo:
    parameters:
      cache: { type: int, low: 1, high: 1024, log: true, default: 8 }
    evaluator: { command: ['true'] }
    objectives: [{ metric: throughput, direction: maximize }]
    domains: { only: {} }
reflection: { idle: 7d }
`;

export interface BenchHome {
  readonly home: string;
  remove(): void;
}

/** An enabled home in a temporary folder, in which nothing is due. */
export async function quietHome(): Promise<BenchHome> {
  const root = mkdtempSync(join(tmpdir(), 'kloros-bench-home-'));
  const home = join(root, 'home');
  writeFileSync(join(root, 'kloros.yaml'), CONFIG);
  await initHome({ home, configFile: join(root, 'kloros.yaml'), actor: 'bench' });
  const ctx = await openContext({ home, env: {} });
  await writeMode(ctx, 'enabled', 'bench');
  await runTick(ctx);
  await closeContext(ctx);
  return { home, remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** Ticks until the drop folders are read and nothing is due. */
async function settle(home: string): Promise<void> {
  const ctx = await openContext({ home, env: {} });
  while ((await runTick(ctx)).outcome !== 'NOOP');
  // Folders count as settled two seconds after their last change.
  await ctx.clock.sleep(2500);
  await runTick(ctx);
  await closeContext(ctx);
}

/** Drops promotions that are out of bounds, and intents beyond the queue's depth: all are answered and archived. */
export async function fill(home: string, promotions: number, intents: number): Promise<void> {
  for (let n = 0; n < promotions; n++) {
    const document = { schema: 'v1', id: `p${n}`, timestamp: 1, fitness: 1, changes: { cache: 5000 + n } };
    writeFileSync(join(home, 'promotions', `p${n}.json`), JSON.stringify(document));
  }
  for (let n = 0; n < intents; n++) {
    const document = {
      intent_type: 'trigger_dream',
      priority: 1,
      reason: `bench ${n}`,
      data: { experiment: 'nowhere' },
      generated_at: Date.now() / 1000,
      emitted_by: 'bench',
    };
    writeFileSync(join(home, 'intents', `i${n}.json`), JSON.stringify(document));
  }
  await settle(home);
}

/** Appends events to the ledger until it holds `events`. */
export async function growLedger(home: string, events: number): Promise<void> {
  const db = await openSqlite(join(home, 'kloros.db'));
  const batch = 20_000;
  for (let n = 0; n < events; n += batch)
    await db.transaction(async (tx) => {
      for (let i = n; i < Math.min(events, n + batch); i++)
        await appendEvent(tx, {
          ts: i,
          kind: 'tick',
          subject: 'NOOP',
          data: { outcome: 'NOOP', reason: 'bench' },
        });
    });
  await db.close();
}
