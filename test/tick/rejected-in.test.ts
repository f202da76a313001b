import { afterEach, beforeEach, expect, test } from 'vitest';
import { newestEvidence } from '../../src/tick/actions/verdicts.ts';
import { type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
beforeEach(async () => {
  ctx = await testContext();
  await ctx.db.run(
    `INSERT INTO epochs (id, date, zone, forced, state, plan, seed, baseline_version, started_at)
     VALUES ('e1', '2026-06-15', 'UTC', 0, 'done', '{}', 1, 0, 0)`,
  );
});
afterEach(() => ctx.cleanup());

const comparison = (domain: string, reason: string) => ({ domain, reason });
async function rejectedIn(verdict: string, reason: string) {
  const comparisons = [
    comparison('*', 'no gain'),
    comparison('read', 'p99 is fine'),
    comparison('write', 'p99 broke'),
  ];
  await ctx.db.run(
    "INSERT INTO verdicts (epoch_id, promotion_id, verdict, reason, statistics, ts) VALUES ('e1', 'p', ?, ?, ?, 1)",
    verdict,
    reason,
    JSON.stringify({ gain: 0.1, detectable: 0.02, comparisons }),
  );
  const evidence = await newestEvidence(ctx.db, 'p');
  expect(evidence).toMatchObject({ gain: 0.1, detectable: 0.02 });
  return evidence?.rejectedIn;
}

test('a rejection names the domain whose comparison broke', async () => {
  expect(await rejectedIn('reject', 'p99 broke')).toBe('write');
});
test('a rejection over all domains names none', async () => {
  expect(await rejectedIn('reject', 'no gain')).toBeUndefined();
});
test('an acceptance names none', async () => {
  expect(await rejectedIn('accept', 'p99 broke')).toBeUndefined();
});
