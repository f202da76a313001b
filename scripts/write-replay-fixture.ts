// Keeps what a release decided, so that every later one is held to it: the decided ticks of a home, without their
// repetitions, as test/replay/fixtures/decisions-<version>.json. Run it once a release, on a home that saw much:
//   node scripts/with-node.mjs scripts/write-replay-fixture.ts <home>
import { writeFileSync } from 'node:fs';
import { closeContext, openContext } from '../src/home/open.ts';
import { canonicalJson } from '../src/store/json.ts';
import { readEvents } from '../src/store/ledger.ts';
import type { RecordedDecision } from '../src/tick/replay.ts';
import { VERSION } from '../src/version.ts';

/** Decisions of one rule and action are alike: so many of each are kept. */
const OF_EACH = 3;

const [home = ''] = process.argv.slice(2);
const ctx = await openContext({ home, env: process.env, readOnly: true });
const ticks = await readEvents(ctx.db, { kind: 'tick', limit: 100_000 });
await closeContext(ctx);

const kept = new Map<string, RecordedDecision[]>();
for (const { data } of ticks) {
  const decided = data.decided as RecordedDecision | undefined;
  if (!decided) continue;
  const key = `${decided.decision.rule} ${decided.decision.action.kind}`;
  const alike = kept.get(key) ?? [];
  if (alike.length < OF_EACH) kept.set(key, [...alike, decided]);
}
const file = new URL(`../test/replay/fixtures/decisions-${VERSION}.json`, import.meta.url);
writeFileSync(file, `[\n${[...kept.values()].flat().map(canonicalJson).join(',\n')}\n]\n`);
